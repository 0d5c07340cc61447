using System;
using System.Runtime.InteropServices;

namespace Motus.ZeroMq
{
    /// <summary>Waits until one of several sockets has something to take.</summary>
    internal sealed class Poller : IDisposable
    {
        private const int Most = 64;

        // zmq_pollitem_t: socket, file descriptor (as wide as a pointer on Windows), events, what happened.
        private static readonly bool OnWindows = Environment.OSVersion.Platform == PlatformID.Win32NT;
        private static readonly int ItemBytes = OnWindows && IntPtr.Size == 8 ? 24 : IntPtr.Size + 8;
        private static readonly int EventsAt = OnWindows ? 2 * IntPtr.Size : IntPtr.Size + 4;

        private readonly IntPtr _items = Marshal.AllocHGlobal(Most * 24);
        private int _count;

        /// <summary>Wait for nothing.</summary>
        public void Clear() => _count = 0;

        /// <summary>Wait for this one too.</summary>
        public void Add(Socket socket)
        {
            if (socket == null || _count == Most) return;
            var item = IntPtr.Add(_items, _count++ * ItemBytes);
            for (var at = 0; at < ItemBytes; at++) Marshal.WriteByte(item, at, 0);
            Marshal.WriteIntPtr(item, socket.Handle);
            Marshal.WriteInt16(item, EventsAt, Native.PollIn);
        }

        /// <summary>Wait so long at most; whether there is something.</summary>
        public bool Wait(int milliseconds) => Native.zmq_poll(_items, _count, (IntPtr)milliseconds) > 0;

        /// <summary>Free the memory.</summary>
        public void Dispose() => Marshal.FreeHGlobal(_items);
    }
}
