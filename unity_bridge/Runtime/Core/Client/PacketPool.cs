using Motus.Protocol;

namespace Motus
{
    /// <summary>Packets that wait to be filled again, for all requests of a connection.</summary>
    internal sealed class PacketPool
    {
        private readonly FramePacket[] _spare = new FramePacket[1024];
        private int _count;

        /// <summary>A packet to be filled.</summary>
        public FramePacket Rent()
        {
            lock (_spare) return _count > 0 ? _spare[--_count] : new FramePacket();
        }

        /// <summary>The packet is no longer needed.</summary>
        public void Return(FramePacket packet)
        {
            lock (_spare)
            {
                if (_count < _spare.Length) _spare[_count++] = packet;
            }
        }
    }
}
