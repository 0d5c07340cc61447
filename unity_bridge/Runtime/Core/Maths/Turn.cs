using System;
using System.Numerics;

namespace Motus
{
    /// <summary>Rotations as unit quaternions, beyond what System.Numerics has. No garbage, no exceptions.</summary>
    internal static class Turn
    {
        /// <summary>The vector turned by the rotation.</summary>
        public static Vector3 Rotate(in Quaternion q, in Vector3 v)
        {
            float x = q.X + q.X, y = q.Y + q.Y, z = q.Z + q.Z;
            float xx = q.X * x, yy = q.Y * y, zz = q.Z * z, xy = q.X * y, xz = q.X * z, yz = q.Y * z;
            float wx = q.W * x, wy = q.W * y, wz = q.W * z;
            return new Vector3(
                (1 - (yy + zz)) * v.X + (xy - wz) * v.Y + (xz + wy) * v.Z,
                (xy + wz) * v.X + (1 - (xx + zz)) * v.Y + (yz - wx) * v.Z,
                (xz - wy) * v.X + (yz + wx) * v.Y + (1 - (xx + yy)) * v.Z);
        }

        /// <summary>First `b`, then `a`.</summary>
        public static Quaternion Mul(in Quaternion a, in Quaternion b) => new Quaternion(
            a.W * b.X + a.X * b.W + a.Y * b.Z - a.Z * b.Y,
            a.W * b.Y - a.X * b.Z + a.Y * b.W + a.Z * b.X,
            a.W * b.Z + a.X * b.Y - a.Y * b.X + a.Z * b.W,
            a.W * b.W - a.X * b.X - a.Y * b.Y - a.Z * b.Z);

        /// <summary>The rotation that undoes a unit one.</summary>
        public static Quaternion Inv(in Quaternion q) => new Quaternion(-q.X, -q.Y, -q.Z, q.W);

        /// <summary>Of length one; the identity where there is no length.</summary>
        public static Quaternion Unit(in Quaternion q)
        {
            var square = q.X * q.X + q.Y * q.Y + q.Z * q.Z + q.W * q.W;
            if (!(square > 1e-12f)) return Quaternion.Identity;
            var scale = 1 / MathF.Sqrt(square);
            return new Quaternion(q.X * scale, q.Y * scale, q.Z * scale, q.W * scale);
        }

        /// <summary>Along the shortest way from `a` to `b`, at an even pace; beyond 0 to 1 it goes on.</summary>
        public static Quaternion Slerp(in Quaternion a, in Quaternion b, float t)
        {
            var cosine = Dot(a, b);
            var sign = cosine < 0 ? -1f : 1f;
            cosine = MathF.Min(cosine * sign, 1);
            float first = 1 - t, second = t;
            if (cosine < 0.995f) // nearer rotations are blended evenly to within 0.005 degrees
            {
                var angle = MathF.Acos(cosine);
                var scale = 1 / MathF.Sin(angle);
                first = MathF.Sin((1 - t) * angle) * scale;
                second = MathF.Sin(t * angle) * scale;
            }
            second *= sign;
            return Unit(new Quaternion(
                first * a.X + second * b.X, first * a.Y + second * b.Y, first * a.Z + second * b.Z, first * a.W + second * b.W));
        }

        /// <summary>The smallest rotation that turns one direction into another.</summary>
        public static Quaternion Between(in Vector3 from, in Vector3 to)
        {
            float lengths = from.Length() * to.Length();
            if (lengths < 1e-12f) return Quaternion.Identity;
            var w = 1 + Vector3.Dot(from, to) / lengths;
            var axis = Vector3.Cross(from, to) / lengths;
            if (w < 1e-6f)
            {
                w = 0;
                var away = MathF.Abs(from.X) < 0.9f * from.Length() ? Vector3.UnitX : Vector3.UnitY;
                axis = Vector3.Cross(from, away);
            }
            return Unit(new Quaternion(axis.X, axis.Y, axis.Z, w));
        }

        /// <summary>About a unit axis by an angle.</summary>
        public static Quaternion About(in Vector3 axis, float angle)
        {
            var sine = MathF.Sin(angle / 2);
            return new Quaternion(axis.X * sine, axis.Y * sine, axis.Z * sine, MathF.Cos(angle / 2));
        }

        /// <summary>Axis times angle, along the shortest way.</summary>
        public static Vector3 ToVector(in Quaternion q)
        {
            var sign = q.W < 0 ? -1f : 1f;
            var axis = new Vector3(q.X, q.Y, q.Z) * sign;
            var sine = axis.Length();
            if (sine < 1e-7f) return axis * 2;
            return axis * (2 * MathF.Atan2(sine, q.W * sign) / sine);
        }

        /// <summary>The rotation of axis times angle.</summary>
        public static Quaternion FromVector(in Vector3 v)
        {
            var angle = v.Length();
            return angle < 1e-7f ? Unit(new Quaternion(v.X / 2, v.Y / 2, v.Z / 2, 1)) : About(v / angle, angle);
        }

        /// <summary>Cosine of half the angle between two rotations, with its sign.</summary>
        public static float Dot(in Quaternion a, in Quaternion b) => a.X * b.X + a.Y * b.Y + a.Z * b.Z + a.W * b.W;
    }
}
