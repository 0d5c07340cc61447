using System.Collections.Generic;
using System.Numerics;

namespace Motus.Tests
{
    /// <summary>Where the bones of a Humanoid are in a motion: forward kinematics over the links of a Humanoid.</summary>
    internal static class HumanPlaces
    {
        private static readonly (HumanBone Bone, HumanBone[] Parents)[] Links =
        {
            (HumanBone.Spine, new[] { HumanBone.Hips }),
            (HumanBone.Chest, new[] { HumanBone.Spine }),
            (HumanBone.UpperChest, new[] { HumanBone.Chest }),
            (HumanBone.Neck, Chest),
            (HumanBone.Head, new[] { HumanBone.Neck, HumanBone.UpperChest, HumanBone.Chest, HumanBone.Spine }),
            (HumanBone.LeftUpperLeg, new[] { HumanBone.Hips }),
            (HumanBone.LeftLowerLeg, new[] { HumanBone.LeftUpperLeg }),
            (HumanBone.LeftFoot, new[] { HumanBone.LeftLowerLeg }),
            (HumanBone.LeftToes, new[] { HumanBone.LeftFoot }),
            (HumanBone.LeftShoulder, Chest),
            (HumanBone.LeftUpperArm, new[] { HumanBone.LeftShoulder, HumanBone.UpperChest, HumanBone.Chest, HumanBone.Spine }),
            (HumanBone.LeftLowerArm, new[] { HumanBone.LeftUpperArm }),
            (HumanBone.LeftHand, new[] { HumanBone.LeftLowerArm }),
            (HumanBone.RightUpperLeg, new[] { HumanBone.Hips }),
            (HumanBone.RightLowerLeg, new[] { HumanBone.RightUpperLeg }),
            (HumanBone.RightFoot, new[] { HumanBone.RightLowerLeg }),
            (HumanBone.RightToes, new[] { HumanBone.RightFoot }),
            (HumanBone.RightShoulder, Chest),
            (HumanBone.RightUpperArm, new[] { HumanBone.RightShoulder, HumanBone.UpperChest, HumanBone.Chest, HumanBone.Spine }),
            (HumanBone.RightLowerArm, new[] { HumanBone.RightUpperArm }),
            (HumanBone.RightHand, new[] { HumanBone.RightLowerArm }),
        };

        private static HumanBone[] Chest => new[] { HumanBone.UpperChest, HumanBone.Chest, HumanBone.Spine };

        /// <summary>(bone, its parent) for all bones of a rig but the hips.</summary>
        public static IEnumerable<(HumanBone Bone, HumanBone Parent)> Of(HumanRig rig)
        {
            foreach (var (bone, parents) in Links)
            {
                if (!rig.Has(bone)) continue;
                foreach (var parent in parents)
                {
                    if (!rig.Has(parent)) continue;
                    yield return (bone, parent);
                    break;
                }
            }
        }

        /// <summary>Places by bone.</summary>
        public static Vector3[] Places(HumanRig rig, HumanMotion motion)
        {
            var places = new Vector3[HumanRig.Bones];
            places[(int)HumanBone.Hips] = motion.Hips;
            foreach (var (bone, parent) in Of(rig))
            {
                places[(int)bone] = places[(int)parent] + Turn.Rotate(motion[parent], rig.Between(parent, bone));
            }
            return places;
        }
    }
}
