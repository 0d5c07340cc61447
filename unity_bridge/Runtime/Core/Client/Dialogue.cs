using System;
using System.Collections.Generic;
using Motus.Protocol;

namespace Motus
{
    /// <summary>The client's side of a conversation, without a socket; the thread of the sockets has it alone.</summary>
    internal sealed class Dialogue
    {
        private const double AcknowledgeSeconds = 0.05;

        private readonly List<Flow> _flows = new List<Flow>();
        private readonly FramesReader _reader = new FramesReader();
        private readonly Action<byte[][]> _send;
        private readonly int _window;
        private readonly PacketPool _pool;
        private double _told, _acknowledged;

        public Dialogue(Action<byte[][]> send, int window, PacketPool pool)
        {
            _pool = pool;
            _send = send;
            _window = window;
        }

        public readonly ClockOffset Offset = new ClockOffset();

        public Welcome Welcome { get; private set; }

        /// <summary>When anything last came.</summary>
        public double Heard { get; private set; }

        /// <summary>What the server last objected to that ends no request, or null.</summary>
        public Error Objection { get; private set; }

        /// <summary>Seconds of silence after which the server is lost; 0: it promised nothing.</summary>
        public double Patience => Welcome == null || Welcome.HeartbeatS <= 0 ? 0 : Math.Max(5, Welcome.HeartbeatS * Welcome.Missed);

        public void Greet(string client, double now)
        {
            Welcome = null;
            Objection = null;
            Heard = now;
            Say(new Hello { Client = client, Window = _window, Beats = true });
        }

        public void Say(Message message) => _send(Wire.Pack(message));

        public void Begin(Flow flow) => _flows.Add(flow);

        /// <summary>Take in what came; what is wrong with it, or null.</summary>
        public string Receive(Parts parts, double now)
        {
            Heard = now;
            if (FramesReader.Are(parts)) return ReceiveFrames(parts, now);
            var message = Wire.Unpack(parts, out var fault);
            if (message != null) Receive(message, now);
            return fault;
        }

        /// <summary>Keep the promise of heartbeats, tell the server which frames were taken, watch the clocks.</summary>
        public void Tick(double now)
        {
            if (Welcome == null) return;
            if (now - _acknowledged >= AcknowledgeSeconds)
            {
                _acknowledged = now;
                foreach (var flow in _flows)
                {
                    if (flow.Taken == flow.Acknowledged) continue;
                    flow.Acknowledged = flow.Taken;
                    Say(new Ack { Id = flow.Id, Frames = flow.Acknowledged });
                }
            }
            var each = Welcome.HeartbeatS > 0 ? Math.Min(Welcome.HeartbeatS / 2, 0.5) : 0.5;
            if (now - _told < each) return;
            _told = now;
            Say(new Ping { Clock = Clock.Now });
        }

        /// <summary>The connection is gone: everything under way comes to this.</summary>
        public void Lose(string why)
        {
            Welcome = null;
            foreach (var flow in _flows) flow.Failure = new Error { Id = flow.Id, Code = "unavailable", Message = why, Retry = true };
            _flows.Clear();
        }

        private string ReceiveFrames(Parts parts, double now)
        {
            if (_flows.Count == 0) return null;
            var packet = _pool.Rent();
            packet.Arrived = now;
            var fault = _reader.Read(parts, packet);
            foreach (var flow in _flows)
            {
                if (fault != null || !packet.Is(flow.Bytes)) continue;
                flow.Frames.Put(packet);
                return null;
            }
            _pool.Return(packet);
            return fault;
        }

        private void Receive(Message message, double now)
        {
            switch (message)
            {
                case Welcome welcome: Welcome = welcome; break;
                case Ping ping: Say(new Pong { Asked = ping.Clock, Clock = Clock.Now, Received = now }); break;
                case Pong pong: Offset.Add(pong.Asked, pong.Received ?? pong.Clock, pong.Clock, now); break;
                case Error error: Receive(error); break;
                case Accepted accepted: Find(accepted.Id, flow => flow.Accepted = accepted); break;
                case Progress progress: Find(progress.Id, flow => flow.Progress = progress); break;
                case Steered steered: Find(steered.Id, flow => flow.Steered = steered); break;
                case Done done: End(done.Id, flow => flow.Done = done); break;
            }
        }

        private void Receive(Error error)
        {
            if (error.Id.Length > 0) End(error.Id, flow => flow.Failure = error);
            else if (error.Code == "no_session") Lose(error.Message);
            if (error.Id.Length == 0) Objection = error;
        }

        private void End(string id, Action<Flow> end)
        {
            Find(id, end);
            _flows.RemoveAll(flow => flow.Id == id);
        }

        private void Find(string id, Action<Flow> change)
        {
            var flow = _flows.Find(one => one.Id == id);
            if (flow != null) change(flow);
        }
    }
}
