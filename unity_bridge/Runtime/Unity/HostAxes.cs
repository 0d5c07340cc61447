using UnityEngine;

namespace Motus
{
    /// <summary>Between the wire's axes and Unity's, in Unity's own types.</summary>
    internal static class HostAxes
    {
        /// <summary>A place or direction of the wire in Unity.</summary>
        public static Vector3 ToUnity(in System.Numerics.Vector3 v) => new Vector3(-v.X, v.Y, v.Z);

        /// <summary>A rotation of the wire in Unity.</summary>
        public static Quaternion ToUnity(in System.Numerics.Quaternion q) => new Quaternion(q.X, -q.Y, -q.Z, q.W);

        /// <summary>A place of Unity on the wire.</summary>
        public static System.Numerics.Vector3 ToWire(Vector3 v) => new System.Numerics.Vector3(-v.x, v.y, v.z);
    }
}
