using System;

namespace Motus
{
    /// <summary>A request that came to nothing, in the server's words.</summary>
    public sealed class MotusException : Exception
    {
        /// <summary>With one of the protocol's codes.</summary>
        public MotusException(string code, string message)
            : base(message) => Code = code;

        /// <summary>PROTOCOL.md, section 9.</summary>
        public string Code { get; }
    }
}
