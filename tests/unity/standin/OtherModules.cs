// What the package uses of Unity outside CoreModule: signatures alone, written by hand from Unity's scripting reference.
#pragma warning disable 1591, 414, 649, 67
using System;
using System.Collections.Generic;

namespace UnityEngine
{
    public enum HumanBodyBones { Hips = 0, LastBone = 55 }

    public struct SkeletonBone
    {
        public string name;
        public Vector3 position;
        public Quaternion rotation;
        public Vector3 scale;
    }

    public struct HumanDescription
    {
        public SkeletonBone[] skeleton;
    }

    public struct HumanPose
    {
        public Vector3 bodyPosition;
        public Quaternion bodyRotation;
        public float[] muscles;
    }

    public class HumanPoseHandler : IDisposable
    {
        public HumanPoseHandler(Avatar avatar, Transform root) { }
        public void GetHumanPose(ref HumanPose humanPose) { }
        public void SetHumanPose(ref HumanPose humanPose) { }
        public void Dispose() { }
    }

    public class HumanTrait
    {
        public static int MuscleCount => 0;
        public static string[] MuscleName => null;
    }

    public class Avatar : Object
    {
        public bool isValid => false;
        public bool isHuman => false;
        public HumanDescription humanDescription => default;
    }

    public class Animator : Behaviour
    {
        public Avatar avatar { get; set; }
        public float humanScale => 0;
        public bool isOptimizable => false;
        public bool applyRootMotion { get; set; }
        public Transform GetBoneTransform(HumanBodyBones humanBoneId) => null;
    }

    public class Motion : Object { }

    public sealed class AnimationClip : Motion
    {
        public float frameRate { get; set; }
        public void EnsureQuaternionContinuity() { }
    }

    public sealed class AnimationEvent
    {
        public float time { get; set; }
        public string functionName { get; set; }
        public int intParameter { get; set; }
        public SendMessageOptions messageOptions { get; set; }
    }

    public class Collider : Component { }

    public enum CollisionFlags { None }

    public class CharacterController : Collider
    {
        public CollisionFlags Move(Vector3 motion) => default;
    }

    public enum EventType { MouseDown = 0, KeyDown = 4 }

    public class Event
    {
        public static Event current => null;
        public EventType type => default;
        public KeyCode keyCode => default;
        public int button => 0;
        public Vector2 mousePosition => default;
    }

    public sealed class GUILayoutOption { }

    public class GUI
    {
        public static void Box(Rect position, string text) { }
    }

    public class GUILayout
    {
        public static bool Button(string text, params GUILayoutOption[] options) => false;
    }
}

namespace UnityEngine.Timeline
{
    [Flags]
    public enum ClipCaps { None = 0 }

    public interface ITimelineClipAsset { ClipCaps clipCaps { get; } }

    public abstract class TrackAsset : UnityEngine.Playables.PlayableAsset
    {
        public override UnityEngine.Playables.Playable CreatePlayable(UnityEngine.Playables.PlayableGraph graph, GameObject owner) => default;
    }

    public class TrackClipTypeAttribute : Attribute { public TrackClipTypeAttribute(Type clipClass) { } }

    public class TrackBindingTypeAttribute : Attribute { public TrackBindingTypeAttribute(Type type) { } }

    public class TrackColorAttribute : Attribute { public TrackColorAttribute(float r, float g, float b) { } }
}

namespace UnityEngine.TestTools
{
    public class UnityTestAttribute : NUnit.Framework.TestAttribute { }
}

namespace UnityEditor
{
    using UnityEngine;

    public enum MessageType { None, Info, Warning, Error }

    public enum PlayModeStateChange { EnteredEditMode, ExitingEditMode, EnteredPlayMode, ExitingPlayMode }

    public class InitializeOnLoadAttribute : Attribute { }

    public sealed class MenuItem : Attribute { public MenuItem(string itemName) { } }

    public static class AssemblyReloadEvents
    {
        public delegate void AssemblyReloadCallback();
        public static event AssemblyReloadCallback beforeAssemblyReload;
    }

    public class EditorApplication
    {
        public delegate void CallbackFunction();
        public static CallbackFunction update;
        public static double timeSinceStartup => 0;
        public static event Action quitting;
        public static event Action<PlayModeStateChange> playModeStateChanged;
    }

    public class EditorWindow : ScriptableObject
    {
        public void Repaint() { }
        public static T GetWindow<T>(string title) where T : EditorWindow => null;
    }

    public class SceneView
    {
        public static void RepaintAll() { }
    }

    public sealed class Selection
    {
        public static GameObject activeGameObject { get; set; }
    }

    public sealed class EditorGUILayout
    {
        public static Object ObjectField(string label, Object obj, Type objType, bool allowSceneObjects, params GUILayoutOption[] options) => null;
        public static void HelpBox(string message, MessageType type) { }
        public static void LabelField(string label, string label2, params GUILayoutOption[] options) { }
        public static string TextField(string label, string text, params GUILayoutOption[] options) => null;
        public static float Slider(string label, float value, float leftValue, float rightValue, params GUILayoutOption[] options) => 0;
        public static int IntSlider(string label, int value, int leftValue, int rightValue, params GUILayoutOption[] options) => 0;
        public static bool Toggle(string label, bool value, params GUILayoutOption[] options) => false;
        public static Rect BeginHorizontal(params GUILayoutOption[] options) => default;
        public static void EndHorizontal() { }
    }

    public struct EditorCurveBinding
    {
        public static EditorCurveBinding FloatCurve(string inPath, Type inType, string inPropertyName) => default;
    }

    public class AnimationUtility
    {
        public static void SetEditorCurve(AnimationClip clip, EditorCurveBinding binding, AnimationCurve curve) { }
        public static void SetAnimationEvents(AnimationClip clip, AnimationEvent[] events) { }
        public static string CalculateTransformPath(Transform targetTransform, Transform root) => null;
    }

    public sealed class AssetDatabase
    {
        public static string GenerateUniqueAssetPath(string path) => null;
        public static void CreateAsset(Object asset, string path) { }
    }
}
