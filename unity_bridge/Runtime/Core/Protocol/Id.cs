namespace Motus.Protocol
{
    /// <summary>What requests and published names are called: 1 to 64 letters, digits, dots, underscores, hyphens.</summary>
    public static class Id
    {
        /// <summary>Whether a text is one.</summary>
        public static bool Valid(string text)
        {
            if (string.IsNullOrEmpty(text) || text.Length > 64) return false;
            foreach (var letter in text)
            {
                var plain = letter >= 'a' && letter <= 'z' || letter >= 'A' && letter <= 'Z' || letter >= '0' && letter <= '9';
                if (!plain && letter != '.' && letter != '_' && letter != '-') return false;
            }
            return true;
        }
    }
}
