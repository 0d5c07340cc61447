using System.Collections.Generic;
using UnityEngine;

namespace Motus
{
    /// <summary>The bones of a Humanoid avatar: their transforms, and how they stand in the pose that the avatar was made in.</summary>
    internal sealed class MotusBones
    {
        /// <summary>Parents before children.</summary>
        public static readonly HumanBone[] Order =
        {
            HumanBone.Hips, HumanBone.Spine, HumanBone.Chest, HumanBone.UpperChest, HumanBone.Neck, HumanBone.Head,
            HumanBone.LeftShoulder, HumanBone.LeftUpperArm, HumanBone.LeftLowerArm, HumanBone.LeftHand,
            HumanBone.RightShoulder, HumanBone.RightUpperArm, HumanBone.RightLowerArm, HumanBone.RightHand,
            HumanBone.LeftUpperLeg, HumanBone.LeftLowerLeg, HumanBone.LeftFoot, HumanBone.LeftToes,
            HumanBone.RightUpperLeg, HumanBone.RightLowerLeg, HumanBone.RightFoot, HumanBone.RightToes,
        };

        private readonly Transform[] _transforms = new Transform[HumanRig.Bones];
        private readonly Quaternion[] _rest = new Quaternion[HumanRig.Bones];
        private readonly Dictionary<string, SkeletonBone> _described = new Dictionary<string, SkeletonBone>();

        private MotusBones(Animator animator)
        {
            foreach (var bone in animator.avatar.humanDescription.skeleton) _described[bone.name] = bone;
            foreach (var bone in Order)
            {
                var transform = animator.GetBoneTransform((HumanBodyBones)(int)bone);
                if (transform == null) continue;
                _transforms[(int)bone] = transform;
                Rest(transform, animator.transform, out var place, out _rest[(int)bone]);
                Rig.Put(bone, HostAxes.ToWire(place));
            }
        }

        /// <summary>What retargeting needs to know.</summary>
        public HumanRig Rig { get; } = new HumanRig();

        /// <summary>The bones of an animator; null and a sentence where there are none.</summary>
        public static MotusBones Of(Animator animator, out string problem)
        {
            problem = animator == null ? "there is no Animator on the character"
                : animator.avatar == null ? "the Animator has no avatar: set the model's rig to Humanoid"
                : !animator.avatar.isValid || !animator.avatar.isHuman ? $"the avatar '{animator.avatar.name}' is not a Humanoid: set the model's rig to Humanoid"
                : null;
            if (problem != null) return null;
            var bones = new MotusBones(animator);
            problem = bones.Rig.Problem();
            return problem == null ? bones : null;
        }

        /// <summary>The transform of a bone, or null.</summary>
        public Transform this[HumanBone bone] => _transforms[(int)bone];

        /// <summary>How a bone stands in the avatar's pose, seen from the character.</summary>
        public Quaternion Rest(HumanBone bone) => _rest[(int)bone];

        /// <summary>Place and rotation below the character in the avatar's pose, by what the avatar says of each bone on the way.</summary>
        private void Rest(Transform bone, Transform root, out Vector3 place, out Quaternion turn)
        {
            place = Vector3.zero;
            turn = Quaternion.identity;
            for (var at = bone; at != null && at != root; at = at.parent)
            {
                var known = _described.TryGetValue(at.name, out var described);
                var own = known ? described.rotation : at.localRotation;
                var scale = known ? described.scale : at.localScale;
                place = (known ? described.position : at.localPosition) + own * Vector3.Scale(scale, place);
                turn = own * turn;
            }
        }
    }
}
