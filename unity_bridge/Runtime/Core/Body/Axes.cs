using System.Numerics;

namespace Motus
{
    /// <summary>Between the axes of the wire (right-handed, left is +X) and Unity's (left-handed, right is +X): X is mirrored. It undoes itself.</summary>
    public static class Axes
    {
        /// <summary>A place or direction.</summary>
        public static Vector3 Mirror(in Vector3 v) => new Vector3(-v.X, v.Y, v.Z);

        /// <summary>A rotation.</summary>
        public static Quaternion Mirror(in Quaternion q) => new Quaternion(q.X, -q.Y, -q.Z, q.W);
    }
}
