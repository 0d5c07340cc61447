using System;
using System.Text;
using Motus.Protocol;
using Motus.ZeroMq;

namespace Motus
{
    /// <summary>A published live session that somebody else has begun, seen from here. Read by one thread, the game's.</summary>
    public sealed class Watch
    {
        private readonly PacketPool _pool;
        private readonly PacketQueue _frames;
        private readonly byte[] _bytes;

        internal Watch(string name, PacketPool pool)
        {
            _pool = pool;
            _frames = new PacketQueue(pool, 256);
            Name = name;
            _bytes = Encoding.ASCII.GetBytes(name);
        }

        /// <summary>What it is published as.</summary>
        public string Name { get; }

        /// <summary>What is to be seen, once that is known.</summary>
        public Scene Scene { get; private set; }

        /// <summary>Why nothing more comes, or nothing is there.</summary>
        public Ended Ended { get; private set; }

        /// <summary>When anything last came, by our clock.</summary>
        public double Heard { get; internal set; }

        /// <summary>Frames that fell out here because nobody took them.</summary>
        public long Lost => _frames.Lost;

        internal Socket Socket;
        internal string Address;

        /// <summary>The oldest frames that wait, or null. They are given back with `Return`.</summary>
        public FramePacket Take() => _frames.Take();

        /// <summary>These frames are no longer needed.</summary>
        public void Return(FramePacket packet) => _pool.Return(packet);

        /// <summary>Subscribe first to what goes on, then to what is sent once on joining.</summary>
        internal void Open(IntPtr context, string address, ClientKeys keys)
        {
            Socket?.Dispose();
            Socket = new Socket(context, Native.Sub);
            Address = address;
            Socket.Prepare(address);
            if (keys != null) Socket.Secure(keys);
            Socket.Subscribe($"stream/{Name}/");
            Socket.Subscribe("beat");
            Socket.Subscribe($"join/{Name}/{Guid.NewGuid():N}");
            Socket.Connect(address);
        }

        /// <summary>Take in what came; what is wrong with it, or null.</summary>
        internal string Receive(Parts parts, FramesReader reader, double now)
        {
            Heard = now;
            if (FramesReader.Are(parts))
            {
                var packet = _pool.Rent();
                packet.Arrived = now;
                var fault = reader.Read(parts, packet);
                if (fault == null && packet.Is(_bytes)) _frames.Put(packet);
                else _pool.Return(packet);
                return fault;
            }
            var message = Wire.Unpack(parts, out var wrong);
            if (message is Scene scene && (Scene == null || scene.Clock > Scene.Clock))
            {
                Scene = scene;
                Ended = null;
            }
            else if (message is Ended ended)
            {
                Ended = ended;
            }
            return wrong;
        }
    }
}
