// The part of UnityEngine.CoreModule that the package uses: signatures alone, held to npm's unity-types by a test.
#pragma warning disable 1591, 414, 649, 660, 661
using System;
using System.Collections;

namespace UnityEngine
{
    public enum HideFlags { None = 0, HideInHierarchy = 1, HideInInspector = 2, DontSaveInEditor = 4, NotEditable = 8, DontSaveInBuild = 16, DontUnloadUnusedAsset = 32, DontSave = 52, HideAndDontSave = 61 }

    public enum SendMessageOptions { RequireReceiver, DontRequireReceiver }

    public enum KeyCode { None = 0, Alpha1 = 49 }

    public struct Vector2
    {
        public float x;
        public float y;
    }

    public class Screen
    {
        public static int height => 0;
    }

    public struct Vector3
    {
        public float x;
        public float y;
        public float z;
        public Vector3(float x, float y, float z) => (this.x, this.y, this.z) = (x, y, z);
        public static Vector3 zero => default;
        public static Vector3 up => new Vector3(0, 1, 0);
        public static Vector3 Lerp(Vector3 a, Vector3 b, float t) => default;
        public static Vector3 Scale(Vector3 a, Vector3 b) => default;
        public static Vector3 operator +(Vector3 a, Vector3 b) => default;
        public static Vector3 operator -(Vector3 a, Vector3 b) => default;
        public static Vector3 operator *(Vector3 a, float d) => default;
    }

    public struct Quaternion
    {
        public float x;
        public float y;
        public float z;
        public float w;
        public Quaternion(float x, float y, float z, float w) => (this.x, this.y, this.z, this.w) = (x, y, z, w);
        public static Quaternion identity => new Quaternion(0, 0, 0, 1);
        public static Quaternion Inverse(Quaternion rotation) => default;
        public static Quaternion Slerp(Quaternion a, Quaternion b, float t) => default;
        public static Quaternion operator *(Quaternion lhs, Quaternion rhs) => default;
        public static Vector3 operator *(Quaternion rotation, Vector3 point) => default;
    }

    public struct Rect
    {
        public Rect(float x, float y, float width, float height) { }
    }

    public struct Ray
    {
        public Vector3 GetPoint(float distance) => default;
    }

    public struct Plane
    {
        public Plane(Vector3 inNormal, Vector3 inPoint) { }

        public bool Raycast(Ray ray, out float enter)
        {
            enter = 0;
            return false;
        }
    }

    public struct Mathf
    {
        public static float Lerp(float a, float b, float t) => 0;
        public static float Clamp01(float value) => 0;
        public static int Clamp(int value, int min, int max) => 0;
        public static float Abs(float f) => 0;
    }

    public class Object
    {
        public string name { get; set; }
        public HideFlags hideFlags { get; set; }
        public static void Destroy(Object obj) { }
        public static void DestroyImmediate(Object obj) { }
        public static T Instantiate<T>(T original) where T : Object => null;
        public static T Instantiate<T>(T original, Vector3 position, Quaternion rotation) where T : Object => null;
        public static bool operator ==(Object x, Object y) => ReferenceEquals(x, y);
        public static bool operator !=(Object x, Object y) => !ReferenceEquals(x, y);
        public static implicit operator bool(Object exists) => exists is object;
    }

    public class ScriptableObject : Object
    {
        public static T CreateInstance<T>() where T : ScriptableObject => null;
    }

    public class TextAsset : Object
    {
        public string text => null;
    }

    public class Component : Object
    {
        public Transform transform => null;
        public GameObject gameObject => null;
        public T GetComponent<T>() => default;

        public bool TryGetComponent<T>(out T component)
        {
            component = default;
            return false;
        }

        public T[] GetComponentsInChildren<T>() => null;
    }

    public class Behaviour : Component
    {
        public bool enabled { get; set; }
    }

    public class MonoBehaviour : Behaviour
    {
    }

    public sealed class GameObject : Object
    {
        public GameObject(string name) { }
        public Transform transform => null;
        public T AddComponent<T>() where T : Component => null;
        public T GetComponent<T>() => default;
        public T GetComponentInParent<T>() => default;
    }

    public class Transform : Component
    {
        public Vector3 position { get; set; }
        public Vector3 localPosition { get; set; }
        public Vector3 localScale { get; set; }
        public Vector3 lossyScale => default;
        public Quaternion rotation { get; set; }
        public Quaternion localRotation { get; set; }
        public Transform parent { get; set; }
        public void SetPositionAndRotation(Vector3 position, Quaternion rotation) { }
    }

    public sealed class Camera : Behaviour
    {
        public static Camera main => null;
        public Ray ScreenPointToRay(Vector3 pos) => default;
    }

    public class Time
    {
        public static float deltaTime => 0;
        public static float unscaledTime => 0;
        public static float realtimeSinceStartup => 0;
    }

    public class Application
    {
        public static bool isPlaying => false;
        public static string unityVersion => "";
        public static string streamingAssetsPath => "";
        public static event Action quitting { add { } remove { } }
    }

    public class Debug
    {
        public static void LogWarning(object message) { }
        public static void LogWarning(object message, Object context) { }
    }

    public class AnimationCurve
    {
        public int AddKey(float time, float value) => 0;
    }

    public sealed class SerializeField : Attribute { }

    public abstract class PropertyAttribute : Attribute { }

    public sealed class TooltipAttribute : PropertyAttribute { public TooltipAttribute(string tooltip) { } }

    public sealed class MinAttribute : PropertyAttribute { public MinAttribute(float min) { } }

    public sealed class RangeAttribute : PropertyAttribute { public RangeAttribute(float min, float max) { } }

    public sealed class TextAreaAttribute : PropertyAttribute { public TextAreaAttribute(int minLines, int maxLines) { } }

    public sealed class AddComponentMenu : Attribute { public AddComponentMenu(string menuName) { } }

    public sealed class DisallowMultipleComponent : Attribute { }

    public class DefaultExecutionOrder : Attribute { public DefaultExecutionOrder(int order) { } }

    public sealed class RequireComponent : Attribute { public RequireComponent(Type requiredComponent) { } }

    public sealed class CreateAssetMenuAttribute : Attribute
    {
        public string menuName { get; set; }
        public string fileName { get; set; }
    }
}

namespace UnityEngine.Events
{
    public abstract class UnityEventBase { }

    public class UnityEvent : UnityEventBase { public void Invoke() { } }

    public class UnityEvent<T0> : UnityEventBase { public void Invoke(T0 arg0) { } }
}

namespace UnityEngine.Playables
{
    public interface IPlayable { }

    public interface IPlayableBehaviour { }

    public struct Playable : IPlayable { }

    public struct PlayableGraph { }

    public struct FrameData { }

    public struct ScriptPlayable<T> : IPlayable
        where T : class, IPlayableBehaviour, new()
    {
        public static ScriptPlayable<T> Create(PlayableGraph graph, int inputCount = 0) => default;
        public T GetBehaviour() => null;
        public static implicit operator Playable(ScriptPlayable<T> playable) => default;
    }

    public abstract class PlayableAsset : ScriptableObject
    {
        public abstract Playable CreatePlayable(PlayableGraph graph, GameObject owner);
    }

    public abstract class PlayableBehaviour : IPlayableBehaviour
    {
        public virtual void OnBehaviourPause(Playable playable, FrameData info) { }
        public virtual void ProcessFrame(Playable playable, FrameData info, object playerData) { }
    }
}
