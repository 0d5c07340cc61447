using System.Threading;
using Motus.Protocol;

namespace Motus
{
    /// <summary>Frames on their way from the thread of the sockets to the game.</summary>
    internal sealed class PacketQueue
    {
        private readonly PacketPool _pool;
        private readonly FramePacket[] _waiting;
        private int _first, _count;
        private long _lost;

        /// <summary>Room for so many messages; what comes beyond that takes the place of the oldest.</summary>
        public PacketQueue(PacketPool pool, int most)
        {
            _pool = pool;
            _waiting = new FramePacket[most];
        }

        /// <summary>Frames that the server says it dropped, and those that fell out here because nobody took them.</summary>
        public long Lost => Interlocked.Read(ref _lost);

        /// <summary>Hand over a packet.</summary>
        public void Put(FramePacket packet)
        {
            lock (_waiting)
            {
                Interlocked.Add(ref _lost, packet.Lost);
                if (_count == _waiting.Length) Drop(Next());
                _waiting[(_first + _count++) % _waiting.Length] = packet;
            }
        }

        /// <summary>The oldest that waits, or null.</summary>
        public FramePacket Take()
        {
            lock (_waiting) return _count == 0 ? null : Next();
        }

        private void Drop(FramePacket packet)
        {
            Interlocked.Add(ref _lost, packet.Count);
            _pool.Return(packet);
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
