namespace Motus
{
    /// <summary>How a jitter buffer weighs delay against smoothness. Seconds.</summary>
    public sealed class BufferSettings
    {
        /// <summary>The least delay.</summary>
        public double Least = 0.02;

        /// <summary>The most delay, however bad the network is.</summary>
        public double Most = 0.4;

        /// <summary>The share of messages that is waited for; the others count as late.</summary>
        public double Share = 0.98;

        /// <summary>How far back the network is remembered.</summary>
        public double Memory = 8;

        /// <summary>How much faster or slower than it was made motion may be shown while the delay changes.</summary>
        public double Stretch = 0.08;

        /// <summary>For how long a motion is carried on when nothing comes.</summary>
        public double Extrapolate = 0.1;

        /// <summary>How long it takes from there to idle.</summary>
        public double Ease = 0.5;

        /// <summary>How long it takes to come from what was shown to what it should have been.</summary>
        public double Recover = 0.25;

        /// <summary>A delay that never changes, instead of all this; 0: it adapts.</summary>
        public double Fixed;
    }
}
