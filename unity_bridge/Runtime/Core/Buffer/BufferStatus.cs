namespace Motus
{
    /// <summary>How what is shown stands to what has come.</summary>
    public enum BufferStatus
    {
        /// <summary>Nothing has come, or nothing for so long that the body is idle.</summary>
        NoData,

        /// <summary>What is to be shown now is there.</summary>
        Synced,

        /// <summary>The newest frame is older than what is to be shown: the motion is carried on for a moment.</summary>
        Behind,

        /// <summary>The oldest frame is newer than what is to be shown: it is waited for.</summary>
        Ahead,
    }
}
