namespace Motus
{
    /// <summary>How a connection stands.</summary>
    public enum ConnectionState
    {
        /// <summary>It says hello and waits for an answer.</summary>
        Connecting,

        /// <summary>It is welcome.</summary>
        Open,

        /// <summary>It was lost, or nobody answers; it is tried again by itself.</summary>
        Waiting,

        /// <summary>The server refuses: another version, or keys that it does not know. It is tried again, seldom.</summary>
        Refused,

        /// <summary>It was closed.</summary>
        Closed,
    }
}
