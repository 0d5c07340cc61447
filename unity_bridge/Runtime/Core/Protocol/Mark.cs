namespace Motus.Protocol
{
    /// <summary>The first part of a message: whose protocol it is, and which version.</summary>
    internal static class Mark
    {
        /// <summary>As this side writes it.</summary>
        public static readonly byte[] Bytes = { (byte)'M', (byte)'O', (byte)'T', (byte)'U', (byte)'S', 0, Version.Major, Version.Minor };

        /// <summary>What is wrong before the header is looked at, or null.</summary>
        public static string Fault(Parts parts)
        {
            if (parts.Count < 2) return "a message has at least 2 parts";
            if (parts.TooMany || parts.Count > Version.Buffers + 2) return "a message has at most 18 parts";
            var mark = parts[0];
            if (mark.Length != 8 || !mark.Part(0, 6).Is(Bytes, 6)) return "the first part is not MOTUS";
            if (mark[6] != Version.Major)
            {
                return $"this side speaks protocol {Version.Major}.{Version.Minor} and the other {mark[6]}.{mark[7]}; update the older of the two";
            }
            return parts[1].Length > Version.HeaderBytes ? "the header is too long" : null;
        }
    }
}
