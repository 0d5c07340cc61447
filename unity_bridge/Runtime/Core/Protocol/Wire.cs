namespace Motus.Protocol
{
    /// <summary>Messages to bytes and back.</summary>
    public static class Wire
    {
        /// <summary>The parts of a message.</summary>
        public static byte[][] Pack(Message message)
        {
            var header = new Header(message.Kind);
            message.Pass(header);
            return header.Seal();
        }

        /// <summary>The message in these parts; where there is none, null and a sentence.</summary>
        public static Message Unpack(Parts parts, out string fault)
        {
            var envelope = Envelope.Open(parts);
            Message message = null;
            if (envelope.Fault == null)
            {
                message = Kinds.New(envelope.Kind);
                if (message == null) envelope.Object($"there is no message '{envelope.Kind}'");
                else message.Pass(new Fields(envelope, envelope.Header));
            }
            fault = envelope.Fault;
            return fault == null ? message : null;
        }
    }
}
