using System.Collections.Generic;

namespace Motus
{
    /// <summary>Which bones of a Humanoid a motion is let onto; the others do what the Animator does.</summary>
    public readonly struct BoneMask
    {
        private readonly ulong _without;

        private BoneMask(ulong without) => _without = without;

        /// <summary>All bones.</summary>
        public static BoneMask All => default;

        /// <summary>Whether no bone is left out.</summary>
        public bool Whole => _without == 0;

        /// <summary>The bones of some parts of the body, but for some of them. Those that no body needs, such as fingers, are passed over.</summary>
        public static BoneMask Of(MotusParts parts, IReadOnlyList<HumanBone> but)
        {
            var mask = All;
            for (var bone = (HumanBone)0; bone < (HumanBone)HumanRig.Bones; bone++)
            {
                if ((Part(bone) & parts) != Part(bone)) mask = mask.Without(bone);
            }
            for (var i = 0; i < but.Count; i++) mask = mask.Without(but[i]);
            return mask;
        }

        /// <summary>Whether a bone is among them.</summary>
        public bool Has(HumanBone bone) => (_without & Bit(bone)) == 0;

        /// <summary>The same but for one bone.</summary>
        public BoneMask Without(HumanBone bone) => new BoneMask(_without | Bit(bone));

        /// <summary>Which part of the body a bone belongs to; none where no body needs it.</summary>
        public static MotusParts Part(HumanBone bone)
        {
            switch (bone)
            {
                case HumanBone.Hips: return MotusParts.Hips;
                case HumanBone.Spine: case HumanBone.Chest: case HumanBone.UpperChest: return MotusParts.Trunk;
                case HumanBone.LeftShoulder: case HumanBone.RightShoulder: return MotusParts.Trunk;
                case HumanBone.Neck: case HumanBone.Head: return MotusParts.Head;
                case HumanBone.LeftUpperArm: case HumanBone.LeftLowerArm: case HumanBone.LeftHand: return MotusParts.LeftArm;
                case HumanBone.RightUpperArm: case HumanBone.RightLowerArm: case HumanBone.RightHand: return MotusParts.RightArm;
                case HumanBone.LeftUpperLeg: case HumanBone.LeftLowerLeg: case HumanBone.LeftFoot: case HumanBone.LeftToes: return MotusParts.LeftLeg;
                case HumanBone.RightUpperLeg: case HumanBone.RightLowerLeg: case HumanBone.RightFoot: case HumanBone.RightToes: return MotusParts.RightLeg;
                default: return 0;
            }
        }

        private static ulong Bit(HumanBone bone) => Part(bone) == 0 ? 0 : 1ul << (int)bone;
    }
}
