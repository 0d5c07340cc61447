using Motus.Protocol;

namespace Motus.ZeroMq
{
    /// <summary>Events of a connection that mean it is lost, as libzmq's monitor tells them.</summary>
    internal static class Loss
    {
        public const int Disconnected = 0x200, Handshake = 0x800, BadProtocol = 0x2000, Denied = 0x4000;
        public const int All = Disconnected | Handshake | BadProtocol | Denied;

        /// <summary>The event in a message of the monitor.</summary>
        public static int Event(Parts message) => message.Count > 0 ? message[0][0] | message[0][1] << 8 : 0;
    }
}
