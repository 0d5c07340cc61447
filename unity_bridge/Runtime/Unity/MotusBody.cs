using UnityEngine;

namespace Motus
{
    /// <summary>Puts poses onto a Humanoid character: retargeted, feet held, blended with what the Animator does, and moved as is asked for.</summary>
    internal sealed class MotusBody
    {
        private readonly Animator _animator;
        private readonly MotusBones _bones;
        private readonly HumanMotion _motion = new HumanMotion();
        private Retargeter _retargeter;
        private FootLock _feet;
        private Skeleton _skeleton;
        private RootMotion _root;
        private Vector3 _origin;
        private Quaternion _facing = Quaternion.identity;
        private bool _placed;

        private MotusBody(Animator animator, MotusBones bones)
        {
            _animator = animator;
            _bones = bones;
        }

        /// <summary>The body of an animator; null and a sentence where it is no Humanoid that motion can go to.</summary>
        public static MotusBody Of(Animator animator, out string problem)
        {
            var bones = MotusBones.Of(animator, out problem);
            return bones == null ? null : new MotusBody(animator, bones);
        }

        /// <summary>Take poses of this skeleton from now on; a sentence where that cannot be, else null.</summary>
        public string Follow(Skeleton skeleton)
        {
            if (ReferenceEquals(skeleton, _skeleton)) return null;
            _retargeter = Retargeter.Of(skeleton, _bones.Rig, out var problem);
            _feet = new FootLock(_bones.Rig);
            _skeleton = problem == null ? skeleton : null;
            return problem;
        }

        /// <summary>The next pose begins where the character stands now.</summary>
        public void Place()
        {
            _placed = false;
            _feet?.Reset();
        }

        /// <summary>A place of the world as the server sees it, which knows the body at its own size.</summary>
        public System.Numerics.Vector3 ToWire(Vector3 place)
        {
            var local = Quaternion.Inverse(_facing) * (place - _origin);
            var scale = _animator.transform.lossyScale;
            var size = _retargeter?.Scale ?? 1;
            return HostAxes.ToWire(new Vector3(local.x / scale.x, local.y / scale.y, local.z / scale.z)) / size;
        }

        /// <summary>Show a pose.</summary>
        public void Show(BodyPose pose, float weight, BoneMask mask, MotusRootMotion root, bool holdFeet, float dt)
        {
            if (_retargeter == null) return;
            _retargeter.Carry(pose, _motion);
            if (holdFeet) _feet.Hold(_motion, pose.Contacts, dt);
            var before = _root;
            _root = RootMotion.Of(_motion, _placed ? _root.Heading : 0);
            if (!_placed) Begin();
            else if (root != MotusRootMotion.Ignore && weight > 0) Move(before, root);
            Bones(weight, mask);
        }

        /// <summary>Show a pose with the character's transform where it is: the hips go the whole way. For baking muscles, whose body
        /// position is then the same whether it is meant in the world or below the character.</summary>
        public void ShowWhole(BodyPose pose, bool holdFeet, float dt)
        {
            if (_retargeter == null) return;
            _retargeter.Carry(pose, _motion);
            if (holdFeet) _feet.Hold(_motion, pose.Contacts, dt);
            _root = default;
            Bones(1, BoneMask.All);
        }

        /// <summary>The first pose stands where the character does, and faces as it faces.</summary>
        private void Begin()
        {
            var character = _animator.transform;
            _facing = character.rotation * Quaternion.Inverse(HostAxes.ToUnity(_root.Facing));
            _origin = character.position - _facing * Scaled(HostAxes.ToUnity(_root.Ground));
            _placed = true;
        }

        private void Move(in RootMotion before, MotusRootMotion how)
        {
            var character = _animator.transform;
            character.rotation = _facing * HostAxes.ToUnity(_root.Facing);
            var step = _facing * Scaled(HostAxes.ToUnity(_root.Ground) - HostAxes.ToUnity(before.Ground));
            if (how == MotusRootMotion.CharacterController && _animator.TryGetComponent<CharacterController>(out var controller)) controller.Move(step);
            else character.position = _origin + _facing * Scaled(HostAxes.ToUnity(_root.Ground));
        }

        private void Bones(float weight, BoneMask mask)
        {
            var character = _animator.transform;
            foreach (var bone in MotusBones.Order)
            {
                var transform = _bones[bone];
                if (transform == null || !mask.Has(bone)) continue;
                var turn = character.rotation * HostAxes.ToUnity(_root.Local(_motion[bone])) * _bones.Rest(bone);
                transform.rotation = weight < 1 ? Quaternion.Slerp(transform.rotation, turn, weight) : turn;
                if (bone != HumanBone.Hips) continue;
                var place = character.position + character.rotation * Scaled(HostAxes.ToUnity(_root.Local(_motion.Hips)));
                transform.position = weight < 1 ? Vector3.Lerp(transform.position, place, weight) : place;
            }
        }

        private Vector3 Scaled(Vector3 v) => Vector3.Scale(v, _animator.transform.lossyScale);
    }
}
