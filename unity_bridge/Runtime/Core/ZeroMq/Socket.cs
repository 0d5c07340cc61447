using System;
using System.Runtime.InteropServices;
using System.Text;
using Motus.Protocol;

namespace Motus.ZeroMq
{
    /// <summary>One socket of libzmq, which belongs to one thread. It never lingers, and nothing it does waits.</summary>
    internal sealed class Socket : IDisposable
    {
        private const int Subscribing = 6, Linger = 17, MostBytes = 22, SendMark = 23, ReceiveMark = 24;
        private const int KeepAlive = 34, KeepAliveCount = 35, KeepAliveIdle = 36, KeepAliveEach = 37, Six = 42;
        private const int PublicKey = 48, SecretKey = 49, ServerKey = 50;
        private const int MessageBytes = 64;

        private readonly IntPtr _message = Marshal.AllocHGlobal(MessageBytes);
        private IntPtr _socket;

        /// <summary>A socket of a context; limits are as PROTOCOL.md asks for.</summary>
        public Socket(IntPtr context, int type)
        {
            _socket = Native.zmq_socket(context, type);
            Set(Linger, 0);
            Set(SendMark, 0);
            Set(ReceiveMark, 0); // credit bounds what comes; a full queue and a reconnection crash libzmq 4.3.5
            Option(MostBytes, BitConverter.GetBytes((long)Protocol.Version.PartBytes));
        }

        /// <summary>For polling.</summary>
        public IntPtr Handle => _socket;

        /// <summary>Notice within seconds that a host is gone; speak IPv6 where the address is one.</summary>
        public void Prepare(string address)
        {
            Set(KeepAlive, 1);
            Set(KeepAliveCount, 3);
            Set(KeepAliveIdle, 5);
            Set(KeepAliveEach, 2);
            Set(Six, address.IndexOf('[') >= 0 ? 1 : 0);
        }

        /// <summary>Encrypt, and show who this is.</summary>
        public void Secure(ClientKeys keys)
        {
            Option(ServerKey, Encoding.ASCII.GetBytes(keys.Server));
            Option(PublicKey, Encoding.ASCII.GetBytes(keys.Public));
            Option(SecretKey, Encoding.ASCII.GetBytes(keys.Secret));
        }

        /// <summary>Hear of a topic.</summary>
        public void Subscribe(string topic) => Option(Subscribing, Encoding.ASCII.GetBytes(topic));

        /// <summary>Connect; false where the address is none.</summary>
        public bool Connect(string address) => Native.zmq_connect(_socket, address) == 0;

        /// <summary>Have events of the connection told at an inproc address.</summary>
        public void Monitor(string address, int events) => Native.zmq_socket_monitor(_socket, address, events);

        /// <summary>Send a message, or let it fall where that would have to wait.</summary>
        public bool Send(byte[][] parts)
        {
            for (var part = 0; part < parts.Length; part++)
            {
                var flags = Native.DontWait | (part + 1 < parts.Length ? Native.SendMore : 0);
                if (Native.zmq_send(_socket, parts[part], (UIntPtr)parts[part].Length, flags) < 0) return false;
            }
            return true;
        }

        /// <summary>Take a message where one has come; its first `skip` parts are left out. Makes no garbage.</summary>
        public bool Receive(Parts into, int skip = 0)
        {
            into.Clear();
            for (var part = 0; ; part++)
            {
                Native.zmq_msg_init(_message);
                var length = Native.zmq_msg_recv(_message, _socket, Native.DontWait);
                if (length < 0)
                {
                    Native.zmq_msg_close(_message);
                    return false;
                }
                var start = part < skip ? -1 : into.Room(length);
                if (start >= 0) Marshal.Copy(Native.zmq_msg_data(_message), into.Bytes, start, length);
                var more = Native.zmq_msg_more(_message) != 0;
                Native.zmq_msg_close(_message);
                if (!more) return true;
            }
        }

        /// <summary>Close it.</summary>
        public void Dispose()
        {
            if (_socket == IntPtr.Zero) return;
            Native.zmq_close(_socket);
            _socket = IntPtr.Zero;
            Marshal.FreeHGlobal(_message);
        }

        private void Set(int option, int value) => Option(option, BitConverter.GetBytes(value));

        private void Option(int option, byte[] value) => Native.zmq_setsockopt(_socket, option, value, (UIntPtr)value.Length);
    }
}
