namespace Motus.Protocol
{
    /// <summary>Messages to bytes and back.</summary>
    public static class Wire
    {
        /// <summary>The parts of a message.</summary>
        public static byte[][] Pack(Message message)
        {
            var header = new Header(message.Kind);
            message.Write(header);
            return header.Seal();
        }

        /// <summary>The message in these parts; where there is none, null and a sentence.</summary>
        public static Message Unpack(Parts parts, out string fault)
        {
            var envelope = Envelope.Open(parts);
            Message message = null;
            if (envelope.Fault == null)
            {
                message = Kinds.Read(envelope.Kind, new Fields(envelope, envelope.Header));
                if (message == null) envelope.Object($"there is no message '{envelope.Kind}'");
            }
            fault = envelope.Fault;
            return fault == null ? message : null;
        }
    }
}
