using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Motus.Protocol;
using UnityEngine;
using Task = System.Threading.Tasks.Task;

namespace Motus
{
    /// <summary>Where the server is, and the keys to it. Any number of characters may share one; it connects when the first asks.</summary>
    [CreateAssetMenu(menuName = "Motus/Connection", fileName = "Motus Connection")]
    public sealed class MotusConnection : ScriptableObject
    {
        private static readonly List<MotusConnection> Opened = new List<MotusConnection>();

        [Tooltip("tcp://HOST:PORT")]
        [SerializeField] private string address = Protocol.Version.Address;

        [Tooltip("Folder with client.key_secret and server.key, below StreamingAssets or anywhere; empty: the server takes everybody")]
        [SerializeField] private string keys = "";

        private Connection _connection;
        private Skeleton _skeleton;
        private Welcome _welcome;
        private string _told;

        /// <summary>Where the server is. A change takes effect at once.</summary>
        public string Address
        {
            get => address;
            set
            {
                if (address != value) Close();
                address = value;
            }
        }

        /// <summary>The folder of keys. A change takes effect at once.</summary>
        public string Keys
        {
            get => keys;
            set
            {
                if (keys != value) Close();
                keys = value;
            }
        }

        /// <summary>The connection itself, which is made when it is first asked for. Nothing here waits.</summary>
        public Connection Line => _connection ?? Open();

        /// <summary>How it stands.</summary>
        public ConnectionState State => _connection?.State ?? ConnectionState.Closed;

        /// <summary>What is wrong, or null.</summary>
        public string Problem => _connection?.Problem;

        /// <summary>The skeleton that motion comes on; null while there is no connection.</summary>
        public Skeleton Skeleton
        {
            get
            {
                var welcome = _connection?.Welcome;
                if (welcome == null) return null;
                if (!ReferenceEquals(welcome, _welcome)) _skeleton = Skeleton.Of(_welcome = welcome);
                return _skeleton;
            }
        }

        /// <summary>Say in the console what has changed, once for each change. Whoever uses the connection calls this each frame.</summary>
        public void Report()
        {
            var problem = Problem;
            if (problem == _told) return;
            _told = problem;
            if (problem != null) Debug.LogWarning($"Motus: {problem}", this);
        }

        /// <summary>End the connection; the next use makes a new one.</summary>
        public void Close()
        {
            Opened.Remove(this);
            _connection?.Dispose();
            _connection = null;
            _welcome = null;
            _told = null;
        }

        /// <summary>End all connections, as before scripts are reloaded and when the application ends.</summary>
        public static void CloseAll()
        {
            foreach (var connection in Opened.ToArray()) connection.Close();
        }

        /// <summary>Motion for a sentence. Runs on the main thread, a frame at a time; cancelling stops the server's work too.
        /// Throws MotusException with what went wrong, and OperationCanceledException.</summary>
        public async Task<MotionClip> GenerateAsync(string text, double? seconds = null, long? seed = null, CancellationToken cancel = default)
        {
            var line = Line;
            while (line.State == ConnectionState.Connecting)
            {
                cancel.ThrowIfCancellationRequested();
                await Task.Yield();
            }
            var skeleton = Skeleton;
            var welcome = line.Welcome; // which may be gone the next moment
            var flow = line.Ask(new Generate { Task = "text-to-motion", Content = text, Seconds = seconds, Seed = seed });
            var clip = skeleton == null || welcome == null ? null : new MotionClip(skeleton, welcome.Fps) { Text = text };
            while (!flow.Ended)
            {
                Collect(flow, clip);
                if (cancel.IsCancellationRequested) flow.Cancel();
                cancel.ThrowIfCancellationRequested();
                await Task.Yield();
            }
            if (flow.Failure != null) throw new MotusException(flow.Failure.Code, flow.Failure.Message);
            if (clip == null) throw new MotusException("unavailable", $"the connection to {address} was lost");
            Collect(flow, clip);
            clip.Seed = flow.Accepted?.Seed ?? 0;
            clip.Familiar = flow.Done.Familiar;
            clip.Nearest = flow.Done.Nearest;
            return clip;
        }

        private static void Collect(Flow flow, MotionClip clip)
        {
            for (var packet = flow.Take(); packet != null; packet = flow.Take())
            {
                clip?.Add(packet);
                flow.Return(packet);
            }
        }

        private Connection Open()
        {
            ClientKeys own = null;
            if (!string.IsNullOrEmpty(keys))
            {
                var folder = Path.IsPathRooted(keys) ? keys : Path.Combine(Application.streamingAssetsPath, keys);
                own = ClientKeys.Load(folder, out var problem);
                if (problem != null) Debug.LogWarning($"Motus: {problem}", this);
            }
            _connection = new Connection(address, own, $"unity {Application.unityVersion}");
            Opened.Add(this);
            Application.quitting -= CloseAll;
            Application.quitting += CloseAll;
            return _connection;
        }

        private void OnDisable() => Close();
    }
}
