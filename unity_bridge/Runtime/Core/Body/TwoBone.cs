using System;
using System.Numerics;

namespace Motus
{
    /// <summary>A limb of two bones that reaches for a point, by the law of cosines, in its own bend plane and with the least swing (motion/retargeting/ik.py).</summary>
    internal static class TwoBone
    {
        private const float Straight = 0.9995f; // share of its length that a limb is stretched to at most
        private const float Steady = 0.15f; // sine of the bend below which the hinge decides the plane

        /// <summary>World turns to put before those of both bones, so that `end` comes to `goal`; `hinge` is the axis the joint bends about.</summary>
        public static void Reach(in Vector3 root, in Vector3 middle, in Vector3 end, in Vector3 goal, in Vector3 hinge, out Quaternion upper, out Quaternion lower)
        {
            Vector3 first = middle - root, second = end - middle, span = end - root, wanted = goal - root;
            float a = first.Length(), b = second.Length(), r = span.Length(), far = wanted.Length();
            if (a < 1e-6f || b < 1e-6f || r < 1e-6f || far < 1e-6f)
            {
                upper = lower = Quaternion.Identity;
                return;
            }
            float least = MathF.Min(MathF.Abs(a - b) + 1e-3f, r), most = MathF.Max(Straight * (a + b), r);
            var stretched = MathF.Min(MathF.Max(far, least), most);
            var normal = Normal(first, second, span, hinge, a, b, r);
            var swing = Turn.Between(span, wanted);
            upper = Turn.Mul(swing, Turn.About(normal, Corner(a, r, b) - Corner(a, stretched, b)));
            lower = Turn.Mul(swing, Turn.About(normal, Corner(b, stretched, a) - Corner(b, r, a)));
        }

        /// <summary>The angle between the sides `near` and `r` of a triangle whose third is `across`.</summary>
        private static float Corner(float near, float r, float across)
        {
            var cosine = (near * near + r * r - across * across) / MathF.Max(2 * near * r, 1e-12f);
            return MathF.Acos(MathF.Min(MathF.Max(cosine, -1), 1));
        }

        private static Vector3 Normal(in Vector3 first, in Vector3 second, in Vector3 span, in Vector3 hinge, float a, float b, float r)
        {
            var across = Vector3.Cross(first, second) / (a * b);
            var sine = across.Length();
            var own = MathF.Min(sine / Steady * (sine / Steady), 1);
            var mixed = (sine > 1e-9f ? across * (own / sine) : Vector3.Zero) + hinge * (1 - own);
            mixed -= span * (Vector3.Dot(mixed, span) / (r * r));
            var length = mixed.Length();
            return length > 1e-9f ? mixed / length : Vector3.UnitX;
        }
    }
}
