using System;
using UnityEngine;

namespace Motus
{
    /// <summary>A character's pose as Unity's muscles. bodyPosition is the mass centre over humanScale, as clips of muscles want it.
    /// Nobody has run this in Unity yet.</summary>
    public sealed class MotusMuscles : IDisposable
    {
        private readonly HumanPoseHandler _handler;
        private readonly Transform _character;
        private readonly float _scale;
        private HumanPose _pose;
        private HumanPose _other;

        /// <summary>Of a Humanoid.</summary>
        public MotusMuscles(Animator animator)
        {
            _handler = new HumanPoseHandler(animator.avatar, animator.transform);
            _character = animator.transform;
            _scale = animator.humanScale;
        }

        /// <summary>Each muscle of the pose last read, -1 to 1 within its limits.</summary>
        public float[] Muscles => _pose.muscles;

        /// <summary>The mass centre over humanScale.</summary>
        public Vector3 BodyPosition => _pose.bodyPosition;

        /// <summary>The turn of the whole body.</summary>
        public Quaternion BodyRotation => _pose.bodyRotation;

        /// <summary>The mass centre in metres.</summary>
        public Vector3 MassCentre => _pose.bodyPosition * _scale;

        /// <summary>Read what the character's transforms show.</summary>
        public void Read() => _handler.GetHumanPose(ref _pose);

        /// <summary>Remember what the Animator shows, to be blended with.</summary>
        public void Remember() => _handler.GetHumanPose(ref _other);

        /// <summary>Show a blend of the pose remembered and the one that is shown now, muscle by muscle.</summary>
        public void Blend(float weight)
        {
            Read();
            if (_other.muscles == null || _other.muscles.Length != _pose.muscles.Length) return;
            for (var muscle = 0; muscle < _pose.muscles.Length; muscle++)
            {
                _pose.muscles[muscle] = Mathf.Lerp(_other.muscles[muscle], _pose.muscles[muscle], weight);
            }
            _pose.bodyPosition = Vector3.Lerp(_other.bodyPosition, _pose.bodyPosition, weight);
            _pose.bodyRotation = Quaternion.Slerp(_other.bodyRotation, _pose.bodyRotation, weight);
            var place = _character.position;
            var turn = _character.rotation;
            _handler.SetHumanPose(ref _pose);
            _character.SetPositionAndRotation(place, turn);
        }

        /// <summary>Let go of Unity's side.</summary>
        public void Dispose() => _handler.Dispose();
    }
}
