using System;

namespace Motus.Protocol
{
    /// <summary>A buffer of a message: numbers in C order, and their shape.</summary>
    public sealed class Floats
    {
        /// <summary>How many along each axis.</summary>
        public readonly int[] Shape;

        /// <summary>As many as the product of the shape.</summary>
        public readonly float[] Data;

        /// <summary>Numbers of a shape; they are not copied.</summary>
        public Floats(float[] data, params int[] shape)
        {
            var size = 1;
            foreach (var side in shape) size *= side;
            if (size != data.Length) throw new ArgumentException($"{data.Length} numbers are not of that shape");
            Data = data;
            Shape = shape;
        }
    }
}
