namespace Motus.Protocol
{
    /// <summary>Some of the bytes of an array. (The indexer of .NET's own span is missing in Debian's mono.)</summary>
    public readonly struct Slice
    {
        /// <summary>The array.</summary>
        public readonly byte[] Bytes;

        /// <summary>Where in it they begin.</summary>
        public readonly int Start;

        /// <summary>How many they are.</summary>
        public readonly int Length;

        /// <summary>Some of these bytes.</summary>
        public Slice(byte[] bytes, int start, int length)
        {
            Bytes = bytes;
            Start = start;
            Length = length;
        }

        /// <summary>One of them.</summary>
        public byte this[int at] => Bytes[Start + at];

        /// <summary>Some of them.</summary>
        public Slice Part(int start, int length) => new Slice(Bytes, Start + start, length);

        /// <summary>Whether they are these.</summary>
        public bool Is(byte[] other, int length)
        {
            if (Length != length) return false;
            for (var at = 0; at < length; at++)
            {
                if (this[at] != other[at]) return false;
            }
            return true;
        }
    }
}
