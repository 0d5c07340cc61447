using System;
using System.Collections.Generic;
using System.Threading;
using Motus.Protocol;
using Motus.ZeroMq;

namespace Motus
{
    /// <summary>The thread of a connection: it alone touches the sockets, says hello, keeps heartbeats, and begins anew after a loss.</summary>
    internal sealed class Line
    {
        private const int WaitMilliseconds = 5;
        private const double TrySeconds = 2, BlinkSeconds = 1;
        private static int _monitors;

        private readonly Connection _connection;
        private readonly string _address, _name;
        private readonly ClientKeys _keys;
        private readonly Dialogue _dialogue;
        private readonly Backoff _backoff = new Backoff();
        private readonly List<Watch> _watches = new List<Watch>();
        private readonly Parts _parts = new Parts();
        private readonly FramesReader _reader = new FramesReader();
        private IntPtr _context;
        private Socket _socket, _monitor;
        private double _again, _greeted, _before;

        public Line(Connection connection, string address, ClientKeys keys, string name)
        {
            _connection = connection;
            _address = address;
            _keys = keys;
            _name = name;
            _dialogue = new Dialogue(parts => _socket?.Send(parts), Connection.Window, connection.Pool);
        }

        public void Run()
        {
            try
            {
                _context = Native.zmq_ctx_new();
                using var poller = new Poller();
                while (!_connection.Stopping) Turn(poller);
            }
            catch (Exception error) when (error is DllNotFoundException || error is EntryPointNotFoundException || error is BadImageFormatException)
            {
                _connection.Problem = $"libzmq cannot be loaded ({error.Message}); the package's folder Runtime/Plugins should hold it for this platform";
                _connection.State = ConnectionState.Refused;
            }
            finally
            {
                End();
            }
        }

        private void Turn(Poller poller)
        {
            var now = Clock.Now;
            if (_before > 0 && now - _before > BlinkSeconds) _greeted += now - _before; // this process stood still itself, and blames nobody
            var blink = now - _before > BlinkSeconds;
            _before = now;
            if (_socket == null && now >= _again) Connect(now);
            Changes();
            poller.Clear();
            poller.Add(_socket);
            poller.Add(_monitor);
            foreach (var watch in _watches) poller.Add(watch.Socket);
            poller.Wait(WaitMilliseconds);
            if (_socket == null) return;
            TakeIn();
            if (_socket == null) return;
            _dialogue.Tick(Clock.Now);
            while (_connection.Outbox.TryDequeue(out var parts)) _socket.Send(parts);
            if (!blink) Silence(Clock.Now);
        }

        private void Connect(double now)
        {
            _connection.State = _connection.Problem == null ? ConnectionState.Connecting : _connection.State;
            _socket = new Socket(_context, Native.Dealer);
            _socket.Prepare(_address);
            if (_keys != null) _socket.Secure(_keys);
            var monitor = $"inproc://motus-{Interlocked.Increment(ref _monitors)}";
            _socket.Monitor(monitor, Loss.All);
            _monitor = new Socket(_context, Native.Pair);
            _monitor.Connect(monitor);
            _greeted = now;
            if (!_socket.Connect(_address))
            {
                Lose($"'{_address}' is no address; write tcp://HOST:PORT", true);
                return;
            }
            _dialogue.Greet(_name, now);
        }

        private void TakeIn()
        {
            while (_socket != null && _socket.Receive(_parts))
            {
                _connection.Count(Length(_parts));
                var fault = _dialogue.Receive(_parts, Clock.Now);
                if (fault != null) Malformed(fault);
                if (_connection.Welcome != _dialogue.Welcome) Welcomed();
                Object();
            }
            _connection.ServerClock = (_dialogue.Offset.Offset, _dialogue.Offset.Error);
            foreach (var watch in _watches)
            {
                while (watch.Socket != null && watch.Socket.Receive(_parts, 1))
                {
                    _connection.Count(Length(_parts));
                    var fault = watch.Receive(_parts, _reader, Clock.Now);
                    if (fault != null) Malformed(fault);
                }
            }
            if (_monitor != null && _monitor.Receive(_parts)) Lost(Loss.Event(_parts));
        }

        private void Welcomed()
        {
            _connection.Welcome = _dialogue.Welcome;
            if (_dialogue.Welcome == null) return;
            _backoff.Reset();
            _connection.Problem = null;
            _connection.State = ConnectionState.Open;
            foreach (var watch in _watches) OpenWatch(watch);
        }

        /// <summary>What the server objects to that is about the session as a whole.</summary>
        private void Object()
        {
            var objection = _dialogue.Objection;
            if (objection == null || _dialogue.Welcome != null) return;
            Lose($"the server at {_address} refuses: {objection.Message}", !objection.Retry);
        }

        private void Malformed(string fault)
        {
            _connection.CountMalformed();
            if (_dialogue.Welcome == null) Lose($"what the server at {_address} says cannot be read: {fault}", true);
            else if (_connection.Problem == null) _connection.Problem = $"a message of the server at {_address} was passed over: {fault}";
        }

        private void Lost(int what)
        {
            var denied = what == Loss.Denied || what == Loss.BadProtocol || what == Loss.Handshake;
            var early = _dialogue.Welcome == null;
            if (what == Loss.Disconnected && !early) Lose($"the server at {_address} closed the connection; it stopped, or was stopped", false);
            else if (_keys == null && (denied || early)) Lose($"the server at {_address} closes the connection before it answers: it is stopping, or it may want keys", denied);
            else if (denied || early) Lose($"the server at {_address} refused this client's key: have its public key added to the server's list, and use the server's own", true);
        }

        private void Silence(double now)
        {
            if (_dialogue.Welcome == null)
            {
                if (now - _greeted > TrySeconds) Lose($"no server answers at {_address}: start one with `python -m runtime.serve`", false);
            }
            else if (_dialogue.Patience > 0 && now - _dialogue.Heard > _dialogue.Patience)
            {
                Lose($"the server at {_address} has not been heard of for {_dialogue.Patience:0.#} s", false);
            }
        }

        private void Lose(string why, bool refused)
        {
            HangUp();
            _dialogue.Lose(why);
            Changes();
            while (_connection.Outbox.TryDequeue(out _)) { }
            _connection.Welcome = null;
            _connection.State = refused ? ConnectionState.Refused : ConnectionState.Waiting;
            _connection.Problem = why;
            _again = Clock.Now + _backoff.Next();
        }

        /// <summary>What the game has begun and left since.</summary>
        private void Changes()
        {
            while (_connection.Begun.TryDequeue(out var flow))
            {
                if (_dialogue.Welcome != null) _dialogue.Begin(flow);
                else flow.Failure = new Error { Id = flow.Id, Code = "unavailable", Message = $"the connection to {_address} was lost", Retry = true };
            }
            while (_connection.Watched.TryDequeue(out var watch))
            {
                _watches.Add(watch);
                if (_dialogue.Welcome != null) OpenWatch(watch);
            }
            while (_connection.Unwatched.TryDequeue(out var watch))
            {
                _watches.Remove(watch);
                watch.Socket?.Dispose();
                watch.Socket = null;
            }
        }

        private void OpenWatch(Watch watch)
        {
            var port = _dialogue.Welcome.WatchPort;
            if (port == 0) return;
            var address = $"{_address.Substring(0, _address.LastIndexOf(':'))}:{port}";
            if (watch.Socket == null || watch.Address != address) watch.Open(_context, address, _keys);
        }

        private void HangUp()
        {
            _monitor?.Dispose();
            _socket?.Dispose();
            _socket = _monitor = null;
        }

        private void End()
        {
            if (_dialogue.Welcome != null) _dialogue.Say(new Close());
            _dialogue.Lose("the connection was closed");
            HangUp();
            foreach (var watch in _watches) watch.Socket?.Dispose();
            if (_context != IntPtr.Zero) Native.zmq_ctx_term(_context);
            _context = IntPtr.Zero;
        }

        private static int Length(Parts parts) => parts.Count == 0 ? 0 : parts.Start(parts.Count - 1) + parts.Length(parts.Count - 1);
    }
}
