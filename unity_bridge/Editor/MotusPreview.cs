using System;
using System.Collections.Generic;
using UnityEditor;
using UnityEngine;

namespace Motus.Editor
{
    /// <summary>Shows a clip on a character in edit mode, again and again; afterwards the character is as it was.</summary>
    internal sealed class MotusPreview : IDisposable
    {
        private readonly MotionClip _clip;
        private readonly MotusBody _body;
        private readonly BodyPose _pose;
        private readonly List<(Transform Transform, Vector3 Place, Quaternion Turn)> _before = new List<(Transform, Vector3, Quaternion)>();
        private readonly double _begun = EditorApplication.timeSinceStartup;
        private double _time;

        private MotusPreview(MotionClip clip, MotusBody body, Animator animator)
        {
            _clip = clip;
            _body = body;
            _pose = new BodyPose(clip.Skeleton.Count);
            foreach (var transform in animator.GetComponentsInChildren<Transform>()) _before.Add((transform, transform.localPosition, transform.localRotation));
        }

        /// <summary>Begin; null and a sentence where the character cannot show it.</summary>
        public static MotusPreview Of(MotionClip clip, Animator animator, out string problem)
        {
            problem = "select a character with an Animator first";
            var body = animator == null ? null : MotusBody.Of(animator, out problem);
            if (body != null) problem = body.Follow(clip.Skeleton);
            return problem == null ? new MotusPreview(clip, body, animator) : null;
        }

        /// <summary>Show what is due; whether anything changed.</summary>
        public bool Step()
        {
            if (_before[0].Transform == null || _clip.Seconds <= 0) return false;
            var time = (EditorApplication.timeSinceStartup - _begun) % _clip.Seconds;
            if (time < _time)
            {
                Restore();
                _body.Place();
            }
            _clip.Sample(time, _pose);
            _body.Show(_pose, 1, BoneMask.All, MotusRootMotion.Apply, true, (float)Math.Max(0, time - _time));
            _time = time;
            return true;
        }

        /// <summary>The character as it was.</summary>
        public void Dispose() => Restore();

        private void Restore()
        {
            foreach (var (transform, place, turn) in _before)
            {
                if (transform == null) continue;
                transform.localPosition = place;
                transform.localRotation = turn;
            }
        }
    }
}
