using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using UnityEditor;
using UnityEngine;

namespace Motus.Editor
{
    /// <summary>Connect, type, look at what came on the selected character, make variations, bake; and a table of prompts into clips.</summary>
    public sealed class MotusWindow : EditorWindow
    {
        [SerializeField] private MotusConnection connection;
        [SerializeField] private string prompt = "a person waves";
        [SerializeField] private float seconds = 4;
        [SerializeField] private int variations = 1;
        [SerializeField] private string folder = "Assets";
        [SerializeField] private bool humanoid = true;
        [SerializeField] private TextAsset table;

        private readonly List<MotionClip> _clips = new List<MotionClip>();
        private CancellationTokenSource _work;
        private MotusPreview _preview;
        private string _said = "";
        private int _shown;

        /// <summary>Window > Motus.</summary>
        [MenuItem("Window/Motus")]
        public static void Open() => GetWindow<MotusWindow>("Motus");

        private bool Busy => _work != null;

        private void OnEnable() => EditorApplication.update += Tick;

        private void OnDisable()
        {
            EditorApplication.update -= Tick;
            _work?.Cancel();
            _preview?.Dispose();
            _preview = null;
        }

        private void Tick()
        {
            if (connection != null) connection.Report();
            if (_preview != null && _preview.Step()) SceneView.RepaintAll();
            if (Busy) Repaint();
        }

        private void OnGUI()
        {
            connection = (MotusConnection)EditorGUILayout.ObjectField("Connection", connection, typeof(MotusConnection), false);
            if (connection == null)
            {
                EditorGUILayout.HelpBox("Make one with Assets > Create > Motus > Connection.", MessageType.Info);
                return;
            }
            EditorGUILayout.LabelField("Server", connection.Problem ?? $"{connection.State}, {connection.Line.Welcome?.Bundle}");
            prompt = EditorGUILayout.TextField("Prompt", prompt);
            seconds = EditorGUILayout.Slider("Seconds, 0: as it likes", seconds, 0, 60);
            variations = EditorGUILayout.IntSlider("Variations", variations, 1, 8);
            Buttons();
            Results();
            Batch();
            if (_said.Length > 0) EditorGUILayout.HelpBox(_said, MessageType.Info);
        }

        private void Buttons()
        {
            EditorGUILayout.BeginHorizontal();
            if (!Busy && GUILayout.Button("Generate")) Run(Generate);
            if (Busy && GUILayout.Button("Cancel")) _work.Cancel();
            if (GUILayout.Button("Check the selected character")) _said = MotusChecker.Report(Selected());
            EditorGUILayout.EndHorizontal();
        }

        private void Results()
        {
            if (_clips.Count == 0) return;
            _shown = EditorGUILayout.IntSlider("Shown", Mathf.Clamp(_shown, 0, _clips.Count - 1), 0, _clips.Count - 1);
            var clip = _clips[_shown];
            EditorGUILayout.LabelField(clip.Text, $"seed {clip.Seed}, {clip.Seconds:0.0} s");
            var hint = Hint.Of(clip.Familiar, clip.Nearest);
            if (hint != null) EditorGUILayout.HelpBox(hint, MessageType.Info);
            humanoid = EditorGUILayout.Toggle("Humanoid (else generic)", humanoid);
            EditorGUILayout.BeginHorizontal();
            if (GUILayout.Button(_preview == null ? "Preview" : "Stop")) Preview(clip);
            if (GUILayout.Button("Bake")) Bake(clip, clip.Text);
            EditorGUILayout.EndHorizontal();
        }

        private void Batch()
        {
            folder = EditorGUILayout.TextField("Folder", folder);
            table = (TextAsset)EditorGUILayout.ObjectField("Table (CSV)", table, typeof(TextAsset), false);
            if (table != null && !Busy && GUILayout.Button("Generate and bake all")) Run(BakeTable);
        }

        private async void Run(Func<CancellationToken, Task> work)
        {
            _work = new CancellationTokenSource();
            _said = "";
            try
            {
                await work(_work.Token);
            }
            catch (OperationCanceledException)
            {
                _said = "stopped";
            }
            catch (MotusException error)
            {
                _said = error.Message;
            }
            finally
            {
                _work.Dispose();
                _work = null;
                Repaint();
            }
        }

        private async Task Generate(CancellationToken cancel)
        {
            _clips.Clear();
            for (var variation = 0; variation < variations; variation++)
            {
                _said = $"{variation + 1} of {variations}";
                _clips.Add(await connection.GenerateAsync(prompt, seconds > 0 ? seconds : (double?)null, null, cancel));
            }
            _said = "";
        }

        private async Task BakeTable(CancellationToken cancel)
        {
            var prompts = PromptTable.Read(table.text);
            if (prompts.Problem != null)
            {
                _said = $"{table.name}, {prompts.Problem}";
                return;
            }
            for (var row = 0; row < prompts.Rows.Count; row++)
            {
                var one = prompts.Rows[row];
                _said = $"{row + 1} of {prompts.Rows.Count}: {one.Text}";
                if (!Bake(await connection.GenerateAsync(one.Text, one.Seconds, one.Seed, cancel), one.Name)) return;
            }
            _said = $"{prompts.Rows.Count} clips are in {folder}";
        }

        private void Preview(MotionClip clip)
        {
            var stopped = _preview != null;
            _preview?.Dispose();
            _preview = null;
            if (stopped) return;
            _preview = MotusPreview.Of(clip, Selected(), out var problem);
            _said = problem ?? "";
        }

        private bool Bake(MotionClip clip, string name)
        {
            var animator = Selected();
            if (animator == null)
            {
                _said = "select a character with an Animator first";
                return false;
            }
            var baked = MotusBaker.Bake(clip, animator, humanoid, out var problem);
            _said = problem ?? $"saved {MotusBaker.Save(baked, folder, name)}";
            return problem == null;
        }

        private static Animator Selected() => Selection.activeGameObject == null ? null : Selection.activeGameObject.GetComponentInParent<Animator>();
    }
}
