using UnityEditor;

namespace Motus.Editor
{
    /// <summary>Ends all connections before scripts are reloaded and whenever play mode begins or ends, so that no thread is left over.</summary>
    [InitializeOnLoad]
    internal static class MotusLifetime
    {
        static MotusLifetime()
        {
            AssemblyReloadEvents.beforeAssemblyReload += MotusConnection.CloseAll;
            EditorApplication.quitting += MotusConnection.CloseAll;
            EditorApplication.playModeStateChanged += Changed;
        }

        private static void Changed(PlayModeStateChange change)
        {
            if (change == PlayModeStateChange.ExitingEditMode || change == PlayModeStateChange.ExitingPlayMode) MotusConnection.CloseAll();
        }
    }
}
