using System;

namespace Motus.Protocol
{
    /// <summary>The kinds of numbers that buffers hold.</summary>
    internal static class Dtype
    {
        /// <summary>Bytes of one number; 0 where there is no such kind.</summary>
        public static int Size(string dtype)
        {
            switch (dtype)
            {
                case "f32": case "i32": return 4;
                case "f64": case "i64": return 8;
                case "u8": return 1;
                default: return 0;
            }
        }

        /// <summary>Whether numbers of this kind and shape take so many bytes.</summary>
        public static bool Fits(string dtype, int[] shape, int bytes)
        {
            long size = Size(dtype), room = 1;
            if (size == 0 || bytes > Version.PartBytes) return false;
            foreach (var side in shape)
            {
                size *= side;
                room *= Math.Max(1, side);
                if (room > Version.PartBytes) return false;
            }
            return size == bytes;
        }

        /// <summary>Whether all numbers are finite.</summary>
        public static bool Finite(string dtype, Slice bytes)
        {
            if (dtype == "f32") return Finite(bytes);
            if (dtype != "f64") return true;
            for (var at = 7; at < bytes.Length; at += 8)
            {
                if ((bytes[at] & 0x7f) == 0x7f && (bytes[at - 1] & 0xf0) == 0xf0) return false;
            }
            return true;
        }

        /// <summary>Whether all of these floats are finite.</summary>
        public static bool Finite(Slice bytes)
        {
            for (var at = 0; at + 3 < bytes.Length; at += 4)
            {
                if ((bytes[at + 3] & 0x7f) == 0x7f && (bytes[at + 2] & 0x80) != 0) return false;
            }
            return true;
        }
    }
}
