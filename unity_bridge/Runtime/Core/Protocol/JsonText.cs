using System.Text;

namespace Motus.Protocol
{
    /// <summary>Texts of JSON: UTF-8 that is none is told, escapes are undone.</summary>
    internal static class JsonText
    {
        /// <summary>The value of a hexadecimal digit, or -1.</summary>
        public static int Hex(byte digit)
        {
            if (digit >= '0' && digit <= '9') return digit - '0';
            var letter = digit | 0x20;
            return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
        }

        /// <summary>The text between the quotes; null where it holds half a surrogate pair.</summary>
        public static string Decode(Slice raw, bool escaped)
        {
            if (!escaped) return Text(raw);
            var built = new StringBuilder(raw.Length);
            var plain = 0;
            for (var at = 0; at < raw.Length; at++)
            {
                if (raw[at] != '\\') continue;
                built.Append(Text(raw.Part(plain, at - plain)));
                built.Append(Escape(raw, ref at));
                plain = at + 1;
            }
            built.Append(Text(raw.Part(plain, raw.Length - plain)));
            var text = built.ToString();
            return WholeSurrogates(text) ? text : null;
        }

        /// <summary>Whether these bytes are UTF-8.</summary>
        public static bool Valid(Slice text)
        {
            for (var at = 0; at < text.Length; at++)
            {
                int first = text[at];
                if (first < 0x80) continue;
                var more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
                if (first < 0xc2 || first > 0xf4 || at + more >= text.Length) return false;
                int second = text[at + 1];
                if (first == 0xe0 && second < 0xa0 || first == 0xed && second > 0x9f) return false;
                if (first == 0xf0 && second < 0x90 || first == 0xf4 && second > 0x8f) return false;
                for (; more > 0; more--)
                {
                    if ((text[++at] & 0xc0) != 0x80) return false;
                }
            }
            return true;
        }

        private static string Text(Slice raw) => Encoding.UTF8.GetString(raw.Bytes, raw.Start, raw.Length);

        private static char Escape(Slice raw, ref int at)
        {
            switch (raw[++at])
            {
                case (byte)'b': return '\b';
                case (byte)'f': return '\f';
                case (byte)'n': return '\n';
                case (byte)'r': return '\r';
                case (byte)'t': return '\t';
                case (byte)'u':
                    var code = 0;
                    for (var digit = 0; digit < 4; digit++) code = code * 16 + Hex(raw[++at]);
                    return (char)code;
                default: return (char)raw[at];
            }
        }

        private static bool WholeSurrogates(string text)
        {
            for (var at = 0; at < text.Length; at++)
            {
                if (!char.IsSurrogate(text[at])) continue;
                if (at + 1 == text.Length || !char.IsSurrogatePair(text[at], text[at + 1])) return false;
                at++;
            }
            return true;
        }
    }
}
