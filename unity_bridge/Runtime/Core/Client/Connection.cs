using System;
using System.Collections.Concurrent;
using System.Threading;
using Motus.Protocol;

namespace Motus
{
    /// <summary>A connection to a server that keeps itself up. What a game calls never waits and never throws for the network's sake;
    /// one thread owns the sockets, and `Dispose` ends it within milliseconds, whatever it was doing.</summary>
    public sealed class Connection : IDisposable
    {
        /// <summary>Frames of one request that may be under way: four seconds.</summary>
        public const int Window = 120;

        private const int EndMilliseconds = 1000;

        private readonly ConcurrentQueue<byte[][]> _outbox = new ConcurrentQueue<byte[][]>();
        private readonly ConcurrentQueue<Flow> _begun = new ConcurrentQueue<Flow>();
        private readonly ConcurrentQueue<Watch> _watched = new ConcurrentQueue<Watch>();
        private readonly ConcurrentQueue<Watch> _unwatched = new ConcurrentQueue<Watch>();
        private readonly Thread _thread;
        private volatile bool _stopping;
        private volatile string _problem;
        private volatile Welcome _welcome;
        private volatile int _state = (int)ConnectionState.Connecting;
        private int _flows;
        private long _received, _refused;

        /// <summary>Begin to connect; keys are null where the server takes everybody.</summary>
        public Connection(string address, ClientKeys keys = null, string name = "unity")
        {
            Address = address;
            var line = new Line(this, address, keys, name);
            _thread = new Thread(line.Run) { IsBackground = true, Name = "motus" };
            AppDomain.CurrentDomain.DomainUnload += Unload; // a reload of the editor's scripts ends all threads
            _thread.Start();
        }

        /// <summary>Where the server is.</summary>
        public string Address { get; }

        /// <summary>How it stands.</summary>
        public ConnectionState State
        {
            get => (ConnectionState)_state;
            internal set => _state = (int)value;
        }

        /// <summary>What is wrong, in a sentence; null where nothing is.</summary>
        public string Problem
        {
            get => _problem;
            internal set => _problem = value;
        }

        /// <summary>What the server said of itself; null while it has not.</summary>
        public Welcome Welcome
        {
            get => _welcome;
            internal set => _welcome = value;
        }

        /// <summary>Bytes that came so far.</summary>
        public long BytesReceived => Interlocked.Read(ref _received);

        /// <summary>Messages so far that were none.</summary>
        public long Malformed => Interlocked.Read(ref _refused);

        /// <summary>Seconds by which the server's clock is ahead, and by how much that may be wrong.</summary>
        public (double Offset, double Error) ServerClock { get; internal set; } = (0, double.PositiveInfinity);

        /// <summary>Ask for motion; its id is chosen here.</summary>
        public Flow Ask(Generate request) => Begin(request.Id = $"g{Interlocked.Increment(ref _flows)}", request);

        /// <summary>Begin a live session; its id is chosen here.</summary>
        public Flow Open(OpenStream request) => Begin(request.Id = $"s{Interlocked.Increment(ref _flows)}", request);

        /// <summary>See what is published under a name.</summary>
        public Watch Watch(string name)
        {
            if (!Id.Valid(name)) throw new ArgumentException($"nothing is published as '{name}': names have letters, digits, '.', '_' and '-'");
            var watch = new Watch(name, Pool);
            _watched.Enqueue(watch);
            return watch;
        }

        /// <summary>Look no longer.</summary>
        public void Leave(Watch watch) => _unwatched.Enqueue(watch);

        /// <summary>Send a message; where there is no connection it falls.</summary>
        public void Say(Message message)
        {
            if (State == ConnectionState.Open) _outbox.Enqueue(Wire.Pack(message));
        }

        /// <summary>End: all work that was asked for stops.</summary>
        public void Dispose()
        {
            AppDomain.CurrentDomain.DomainUnload -= Unload;
            _stopping = true;
            if (Thread.CurrentThread != _thread) _thread.Join(EndMilliseconds);
            State = ConnectionState.Closed;
        }

        internal PacketPool Pool { get; } = new PacketPool();

        internal bool Stopping => _stopping;

        internal ConcurrentQueue<byte[][]> Outbox => _outbox;

        internal ConcurrentQueue<Flow> Begun => _begun;

        internal ConcurrentQueue<Watch> Watched => _watched;

        internal ConcurrentQueue<Watch> Unwatched => _unwatched;

        internal void Count(int bytes) => Interlocked.Add(ref _received, bytes);

        internal void CountMalformed() => Interlocked.Increment(ref _refused);

        private Flow Begin(string id, Message request)
        {
            var flow = new Flow(this, id, Window);
            if (State != ConnectionState.Open)
            {
                flow.Failure = new Error { Id = id, Code = "unavailable", Message = Problem ?? $"there is no connection to {Address} yet", Retry = true };
                return flow;
            }
            _begun.Enqueue(flow);
            _outbox.Enqueue(Wire.Pack(request));
            return flow;
        }

        private void Unload(object sender, EventArgs what) => Dispose();
    }
}
