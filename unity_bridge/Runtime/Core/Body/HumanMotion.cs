using System.Numerics;

namespace Motus
{
    /// <summary>One frame of a Humanoid, in the axes of the wire: how each bone has turned in the world since the bind pose.</summary>
    public sealed class HumanMotion
    {
        /// <summary>World rotations by `HumanBone`; the identity is the bind pose.</summary>
        public readonly Quaternion[] Turns = new Quaternion[HumanRig.Bones];

        /// <summary>Where the hips bone is.</summary>
        public Vector3 Hips;

        /// <summary>How a bone has turned.</summary>
        public ref Quaternion this[HumanBone bone] => ref Turns[(int)bone];
    }
}
