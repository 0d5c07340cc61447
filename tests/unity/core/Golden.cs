using System;
using System.Collections.Generic;
using System.IO;

namespace Motus.Tests
{
    /// <summary>The bytes in tests/golden: one example of every message.</summary>
    internal static class Golden
    {
        /// <summary>Names of the examples, of this version and of older ones.</summary>
        public static IEnumerable<string> Files()
        {
            var folder = Path.Combine(Environment.GetEnvironmentVariable("MOTUS_ROOT") ?? ".", "tests", "golden");
            foreach (var path in Directory.GetFiles(folder, "*.bin", SearchOption.AllDirectories)) yield return path;
        }

        /// <summary>The parts in a file: each behind its length.</summary>
        public static byte[][] Read(string path)
        {
            var parts = new List<byte[]>();
            using (var reader = new BinaryReader(File.OpenRead(path)))
            {
                while (reader.BaseStream.Position < reader.BaseStream.Length) parts.Add(reader.ReadBytes(reader.ReadInt32()));
            }
            return parts.ToArray();
        }

        /// <summary>One example of this version.</summary>
        public static byte[][] Example(string name)
        {
            foreach (var path in Files())
            {
                if (path.EndsWith(Path.Combine("protocol", name + ".bin"))) return Read(path);
            }
            throw new FileNotFoundException(name);
        }
    }
}
