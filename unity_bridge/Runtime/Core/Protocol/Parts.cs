using System;

namespace Motus.Protocol
{
    /// <summary>The parts of one message as bytes, in one piece of memory that is used again for the next.</summary>
    public sealed class Parts
    {
        private readonly int[] _ends = new int[Version.Buffers + 4];
        private byte[] _bytes = new byte[4096];

        /// <summary>How many there are; one more than fit is the most that is counted.</summary>
        public int Count { get; private set; }

        /// <summary>Whether there were more than a message may have.</summary>
        public bool TooMany { get; private set; }

        /// <summary>The memory that `Start` and `Length` speak of.</summary>
        internal byte[] Bytes => _bytes;

        /// <summary>One part.</summary>
        public Slice this[int part] => new Slice(_bytes, Start(part), Length(part));

        /// <summary>Where a part begins.</summary>
        internal int Start(int part) => part == 0 ? 0 : _ends[part - 1];

        /// <summary>How long a part is.</summary>
        internal int Length(int part) => _ends[part] - Start(part);

        /// <summary>Forget them all.</summary>
        public void Clear()
        {
            Count = 0;
            TooMany = false;
        }

        /// <summary>One more part, copied.</summary>
        public void Add(byte[] part)
        {
            var start = Room(part.Length);
            if (start >= 0) Buffer.BlockCopy(part, 0, _bytes, start, part.Length);
        }

        /// <summary>Make room for one more part; where in the memory it begins, or -1 where there are too many.</summary>
        internal int Room(int length)
        {
            if (Count == _ends.Length)
            {
                TooMany = true;
                return -1;
            }
            var start = Count == 0 ? 0 : _ends[Count - 1];
            if (start + length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, start + length));
            _ends[Count++] = start + length;
            return start;
        }

        /// <summary>Parts that are bytes already.</summary>
        public static Parts Of(byte[][] parts, int from = 0)
        {
            var made = new Parts();
            for (var part = from; part < parts.Length; part++) made.Add(parts[part]);
            return made;
        }
    }
}
