using System.Numerics;

namespace Motus
{
    /// <summary>A Humanoid as retargeting sees it: which bones there are, and where they are in the pose it was bound in, which stands.
    /// In the axes of the wire.</summary>
    public sealed class HumanRig
    {
        /// <summary>As many numbers as `HumanBone` has.</summary>
        public const int Bones = 55;

        private static readonly HumanBone[] Needed =
        {
            HumanBone.Hips, HumanBone.Spine, HumanBone.Head,
            HumanBone.LeftUpperLeg, HumanBone.LeftLowerLeg, HumanBone.LeftFoot,
            HumanBone.RightUpperLeg, HumanBone.RightLowerLeg, HumanBone.RightFoot,
            HumanBone.LeftUpperArm, HumanBone.LeftLowerArm, HumanBone.LeftHand,
            HumanBone.RightUpperArm, HumanBone.RightLowerArm, HumanBone.RightHand,
        };

        private readonly bool[] _has = new bool[Bones];
        private readonly Vector3[] _rest = new Vector3[Bones];

        /// <summary>Say where a bone is.</summary>
        public void Put(HumanBone bone, Vector3 place)
        {
            _has[(int)bone] = true;
            _rest[(int)bone] = place;
        }

        /// <summary>Whether there is such a bone.</summary>
        public bool Has(HumanBone bone) => _has[(int)bone];

        /// <summary>Where a bone is.</summary>
        public Vector3 Rest(HumanBone bone) => _rest[(int)bone];

        /// <summary>From one bone to another.</summary>
        public Vector3 Between(HumanBone from, HumanBone to) => Rest(to) - Rest(from);

        /// <summary>The middle between the hips' joints.</summary>
        public Vector3 MiddleOfHips => (Rest(HumanBone.LeftUpperLeg) + Rest(HumanBone.RightUpperLeg)) / 2;

        /// <summary>The mean length of both legs.</summary>
        public float LegLength => (Between(HumanBone.LeftUpperLeg, HumanBone.LeftLowerLeg).Length()
            + Between(HumanBone.LeftLowerLeg, HumanBone.LeftFoot).Length()
            + Between(HumanBone.RightUpperLeg, HumanBone.RightLowerLeg).Length()
            + Between(HumanBone.RightLowerLeg, HumanBone.RightFoot).Length()) / 2;

        /// <summary>What is wrong with it, in a sentence; null where motion can go to it.</summary>
        public string Problem()
        {
            foreach (var bone in Needed)
            {
                if (!Has(bone)) return $"the avatar has no {bone}: map it in the avatar's configuration";
            }
            if (LegLength < 1e-4f) return "the legs of the avatar have no length";
            var down = Vector3.Normalize(Between(HumanBone.LeftUpperLeg, HumanBone.LeftFoot));
            var up = Vector3.Normalize(Between(HumanBone.Hips, HumanBone.Head));
            return down.Y > -0.8f || up.Y < 0.8f ? "the avatar's bind pose does not stand upright: enforce T-pose in its configuration" : null;
        }
    }
}
