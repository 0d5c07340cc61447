using System;
using System.IO;

namespace Motus
{
    /// <summary>What a client needs to be let in: its own pair of keys and the server's public one, 40 letters each.</summary>
    public sealed class ClientKeys
    {
        /// <summary>The client's own, which the server has on its list.</summary>
        public readonly string Public;

        /// <summary>The client's own, which nobody else has.</summary>
        public readonly string Secret;

        /// <summary>The server's.</summary>
        public readonly string Server;

        /// <summary>Keys that are known.</summary>
        public ClientKeys(string @public, string secret, string server)
        {
            Public = @public;
            Secret = secret;
            Server = server;
        }

        /// <summary>Whether each is as long as a key is.</summary>
        public bool Whole => Public?.Length == 40 && Secret?.Length == 40 && Server?.Length == 40;

        /// <summary>The keys in the folder that `python -m runtime.keys` made to be handed out; null and a sentence where there are none.</summary>
        public static ClientKeys Load(string folder, out string problem)
        {
            try
            {
                var own = File.ReadAllText(Path.Combine(folder, "client.key_secret"));
                var server = File.ReadAllText(Path.Combine(folder, "server.key"));
                var keys = new ClientKeys(Value(own, "public-key"), Value(own, "secret-key"), Value(server, "public-key"));
                problem = keys.Whole ? null : $"the keys in {folder} are damaged; make keys with `python -m runtime.keys`";
                return keys.Whole ? keys : null;
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException || error is ArgumentException)
            {
                problem = $"there are no keys in {folder} ({error.Message}); it needs client.key_secret and server.key";
                return null;
            }
        }

        /// <summary>The value of a line `name = "value"` of a ZeroMQ certificate.</summary>
        private static string Value(string certificate, string name)
        {
            foreach (var line in certificate.Split('\n'))
            {
                var halves = line.Split(new[] { '=' }, 2);
                if (halves.Length == 2 && halves[0].Trim() == name) return halves[1].Trim().Trim('"');
            }
            return null;
        }
    }
}
