using System.Collections.Generic;
using UnityEditor;
using UnityEngine;

namespace Motus.Editor
{
    /// <summary>Motion as an AnimationClip: humanoid muscles, or the transforms of one character; with root motion and an event for each foot that comes down.</summary>
    public static class MotusBaker
    {
        private static readonly string[] Rotation = { "m_LocalRotation.x", "m_LocalRotation.y", "m_LocalRotation.z", "m_LocalRotation.w" };
        private static readonly string[] Position = { "m_LocalPosition.x", "m_LocalPosition.y", "m_LocalPosition.z" };
        private static readonly string[] RootTurn = { "RootQ.x", "RootQ.y", "RootQ.z", "RootQ.w" };
        private static readonly string[] RootPlace = { "RootT.x", "RootT.y", "RootT.z" };

        /// <summary>Bake for a character, which ends as it began; null and a sentence where it cannot be done.</summary>
        public static AnimationClip Bake(MotionClip clip, Animator animator, bool humanoid, out string problem)
        {
            var copy = Object.Instantiate(animator.gameObject);
            copy.hideFlags = HideFlags.HideAndDontSave;
            try
            {
                var own = copy.GetComponent<Animator>();
                var character = own.transform;
                character.SetPositionAndRotation(Vector3.zero, Quaternion.identity);
                character.localScale = animator.transform.lossyScale;
                var body = MotusBody.Of(own, out problem);
                problem = problem ?? body.Follow(clip.Skeleton);
                if (problem != null) return null;
                own.enabled = false;
                var baked = new AnimationClip { name = clip.Text, frameRate = (float)clip.Fps };
                if (humanoid) Muscles(clip, own, body, baked);
                else Transforms(clip, own, body, baked);
                AnimationUtility.SetAnimationEvents(baked, Events(clip));
                baked.EnsureQuaternionContinuity();
                return baked;
            }
            finally
            {
                Object.DestroyImmediate(copy);
            }
        }

        /// <summary>Save a clip under Assets, beside those that are there.</summary>
        public static string Save(AnimationClip clip, string folder, string name)
        {
            foreach (var letter in System.IO.Path.GetInvalidFileNameChars()) name = name.Replace(letter, '_');
            if (name.Length > 60) name = name.Substring(0, 60);
            var path = AssetDatabase.GenerateUniqueAssetPath($"{folder}/{name}.anim");
            AssetDatabase.CreateAsset(clip, path);
            return path;
        }

        private static void Muscles(MotionClip clip, Animator animator, MotusBody body, AnimationClip into)
        {
            var curves = new List<AnimationCurve>();
            for (var i = 0; i < RootPlace.Length + RootTurn.Length + HumanTrait.MuscleCount; i++) curves.Add(new AnimationCurve());
            using (var muscles = new MotusMuscles(animator))
            {
                for (var frame = 0; frame < clip.Count; frame++)
                {
                    var time = (float)(frame / clip.Fps);
                    body.ShowWhole(clip[frame], true, frame == 0 ? 0 : (float)(1 / clip.Fps));
                    muscles.Read();
                    Key(curves, 0, time, muscles.BodyPosition);
                    Key(curves, 3, time, muscles.BodyRotation);
                    for (var muscle = 0; muscle < HumanTrait.MuscleCount; muscle++) curves[7 + muscle].AddKey(time, muscles.Muscles[muscle]);
                }
            }
            for (var i = 0; i < RootPlace.Length; i++) Set(into, "", typeof(Animator), RootPlace[i], curves[i]);
            for (var i = 0; i < RootTurn.Length; i++) Set(into, "", typeof(Animator), RootTurn[i], curves[3 + i]);
            for (var muscle = 0; muscle < HumanTrait.MuscleCount; muscle++) Set(into, "", typeof(Animator), Curve(HumanTrait.MuscleName[muscle]), curves[7 + muscle]);
        }

        private static void Transforms(MotionClip clip, Animator animator, MotusBody body, AnimationClip into)
        {
            var tracks = new List<(string Path, Transform Transform, bool Place)> { ("", animator.transform, true) };
            foreach (var bone in MotusBones.Order)
            {
                var transform = animator.GetBoneTransform((HumanBodyBones)(int)bone);
                if (transform != null) tracks.Add((AnimationUtility.CalculateTransformPath(transform, animator.transform), transform, bone == HumanBone.Hips));
            }
            var curves = new List<AnimationCurve>();
            for (var i = 0; i < 7 * tracks.Count; i++) curves.Add(new AnimationCurve());
            for (var frame = 0; frame < clip.Count; frame++)
            {
                var time = (float)(frame / clip.Fps);
                body.Show(clip[frame], 1, BoneMask.All, MotusRootMotion.Apply, true, frame == 0 ? 0 : (float)(1 / clip.Fps));
                for (var track = 0; track < tracks.Count; track++)
                {
                    Key(curves, 7 * track, time, tracks[track].Transform.localPosition);
                    Key(curves, 7 * track + 3, time, tracks[track].Transform.localRotation);
                }
            }
            for (var track = 0; track < tracks.Count; track++)
            {
                for (var i = 0; i < Position.Length && tracks[track].Place; i++) Set(into, tracks[track].Path, typeof(Transform), Position[i], curves[7 * track + i]);
                for (var i = 0; i < Rotation.Length; i++) Set(into, tracks[track].Path, typeof(Transform), Rotation[i], curves[7 * track + 3 + i]);
            }
        }

        private static AnimationEvent[] Events(MotionClip clip)
        {
            var events = new List<AnimationEvent>();
            foreach (var (seconds, foot) in FootEvents.Of(clip))
            {
                events.Add(new AnimationEvent
                {
                    time = (float)seconds,
                    functionName = "OnFootDown",
                    intParameter = foot,
                    messageOptions = SendMessageOptions.DontRequireReceiver,
                });
            }
            return events.ToArray();
        }

        /// <summary>What a curve of a muscle is called: fingers otherwise than HumanTrait calls them.</summary>
        private static string Curve(string muscle)
        {
            foreach (var side in new[] { "Left", "Right" })
            {
                foreach (var finger in new[] { "Thumb", "Index", "Middle", "Ring", "Little" })
                {
                    var begin = $"{side} {finger} ";
                    if (muscle.StartsWith(begin, System.StringComparison.Ordinal)) return $"{side}Hand.{finger}.{muscle.Substring(begin.Length)}";
                }
            }
            return muscle;
        }

        private static void Key(List<AnimationCurve> curves, int at, float time, Vector3 v)
        {
            curves[at].AddKey(time, v.x);
            curves[at + 1].AddKey(time, v.y);
            curves[at + 2].AddKey(time, v.z);
        }

        private static void Key(List<AnimationCurve> curves, int at, float time, Quaternion q)
        {
            curves[at].AddKey(time, q.x);
            curves[at + 1].AddKey(time, q.y);
            curves[at + 2].AddKey(time, q.z);
            curves[at + 3].AddKey(time, q.w);
        }

        private static void Set(AnimationClip into, string path, System.Type type, string property, AnimationCurve curve) =>
            AnimationUtility.SetEditorCurve(into, EditorCurveBinding.FloatCurve(path, type, property), curve);
    }
}
