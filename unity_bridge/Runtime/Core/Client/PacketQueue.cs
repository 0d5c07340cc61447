using Motus.Protocol;

namespace Motus
{
    /// <summary>Frames on their way from the thread of the sockets to the game.</summary>
    internal sealed class PacketQueue
    {
        private readonly PacketPool _pool;
        private readonly FramePacket[] _waiting;
        private int _first, _count;

        /// <summary>Room for so many messages; what comes beyond that takes the place of the oldest.</summary>
        public PacketQueue(PacketPool pool, int most)
        {
            _pool = pool;
            _waiting = new FramePacket[most];
        }

        /// <summary>Hand over a packet.</summary>
        public void Put(FramePacket packet)
        {
            lock (_waiting)
            {
                if (_count == _waiting.Length) _pool.Return(Next());
                _waiting[(_first + _count++) % _waiting.Length] = packet;
            }
        }

        /// <summary>The oldest that waits, or null.</summary>
        public FramePacket Take()
        {
            lock (_waiting) return _count == 0 ? null : Next();
        }

        private FramePacket Next()
        {
            var packet = _waiting[_first];
            _waiting[_first] = null;
            _first = (_first + 1) % _waiting.Length;
            _count--;
            return packet;
        }
    }
}
