namespace Motus.Protocol
{
    /// <summary>One message of the protocol; PROTOCOL.md says what each means.</summary>
    public abstract class Message : Piece
    {
        /// <summary>Its name on the wire.</summary>
        public abstract string Kind { get; }
    }
}
