namespace Motus.Protocol
{
    /// <summary>Something that travels: a message, or an object inside one.</summary>
    public abstract class Piece
    {
        internal abstract void Pass(Exchange fields);
    }
}
