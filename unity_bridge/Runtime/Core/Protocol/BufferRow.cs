namespace Motus.Protocol
{
    /// <summary>What a header says of one buffer.</summary>
    internal sealed class BufferRow
    {
        public string Name;
        public string Dtype;
        public int[] Shape;
        public int Part;
    }
}
