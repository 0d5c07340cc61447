using System.Text;
using System.Threading;
using Motus.Protocol;

namespace Motus
{
    /// <summary>One request or live session: what came of it and was not yet taken. Read by one thread, the game's.</summary>
    public sealed class Flow
    {
        private readonly PacketQueue _frames;
        private readonly Connection _connection;
        private long _taken;

        internal Flow(Connection connection, string id, int window)
        {
            _connection = connection;
            Id = id;
            Bytes = Encoding.ASCII.GetBytes(id);
            _frames = new PacketQueue(connection.Pool, window + 8);
        }

        /// <summary>What it is called on the wire.</summary>
        public string Id { get; }

        /// <summary>The seed it uses, once the server has said so.</summary>
        public Accepted Accepted { get; internal set; }

        /// <summary>How far the work has come.</summary>
        public Progress Progress { get; internal set; }

        /// <summary>From which frame on the last orders show.</summary>
        public Steered Steered { get; internal set; }

        /// <summary>How it went, once it has ended well.</summary>
        public Done Done { get; internal set; }

        /// <summary>Why it came to nothing.</summary>
        public Error Failure { get; internal set; }

        /// <summary>Whether nothing more comes, but for frames that wait.</summary>
        public bool Ended => Done != null || Failure != null;

        /// <summary>Frames that were taken.</summary>
        public long Taken => Interlocked.Read(ref _taken);

        /// <summary>Frames that the server dropped, or that fell out here because nobody took them.</summary>
        public long Lost => _frames.Lost;

        /// <summary>Frames that the server was told of; the thread of the sockets has this.</summary>
        internal long Acknowledged;

        internal byte[] Bytes { get; }

        internal PacketQueue Frames => _frames;

        /// <summary>The oldest frames that wait, or null. They are given back with `Return`.</summary>
        public FramePacket Take()
        {
            var packet = _frames.Take();
            if (packet != null) Interlocked.Add(ref _taken, packet.Count);
            return packet;
        }

        /// <summary>These frames are no longer needed.</summary>
        public void Return(FramePacket packet) => _connection.Pool.Return(packet);

        /// <summary>Stop the work: where it was not done yet it ends with the failure `cancelled`.</summary>
        public void Cancel()
        {
            if (!Ended) _connection.Say(new Cancel { Id = Id });
        }

        /// <summary>New orders for a live session; what is null stays as it was.</summary>
        public void Steer(Steer orders)
        {
            orders.Id = Id;
            if (!Ended) _connection.Say(orders);
        }

        /// <summary>End a live session.</summary>
        public void Close()
        {
            if (!Ended) _connection.Say(new CloseStream { Id = Id });
        }
    }
}
