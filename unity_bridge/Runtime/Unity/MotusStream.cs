using UnityEngine;

namespace Motus
{
    /// <summary>Watches a live session that another host has begun, such as Blender: each of its bodies moves one character, which needs no
    /// connection of its own.</summary>
    [AddComponentMenu("Motus/Motus Stream")]
    [DefaultExecutionOrder(50)]
    public sealed class MotusStream : MonoBehaviour
    {
        [SerializeField] private MotusConnection connection;

        [Tooltip("The name that the session is published under")]
        [SerializeField] private string session = "stage";

        [Tooltip("By the number of the body, from 0")]
        [SerializeField] private MotusCharacter[] characters = System.Array.Empty<MotusCharacter>();

        [SerializeField] private MotusTextEvent onEnded = new MotusTextEvent();

        private Watch _watch;
        private Connection _line;
        private Motus.Protocol.Scene _scene;
        private Skeleton _skeleton;
        private Motus.Protocol.Ended _ended;

        /// <summary>The server it is connected to.</summary>
        public MotusConnection Connection { get => connection; set => connection = value; }

        /// <summary>Which session.</summary>
        public string Session
        {
            get => session;
            set
            {
                if (session != value) Leave();
                session = value;
            }
        }

        private void Update()
        {
            if (connection == null || !Motus.Protocol.Id.Valid(session)) return;
            connection.Report();
            if (!ReferenceEquals(_line, connection.Line)) Join();
            if (_watch.Scene != null && !ReferenceEquals(_scene, _watch.Scene)) _skeleton = Skeleton.Of(_scene = _watch.Scene);
            for (var packet = _watch.Take(); packet != null; packet = _watch.Take())
            {
                if (_skeleton != null && packet.Agent < characters.Length && characters[packet.Agent] != null) characters[packet.Agent].Feed(_skeleton, packet);
                _watch.Return(packet);
            }
            if (_watch.Ended == null || ReferenceEquals(_ended, _watch.Ended)) return;
            _ended = _watch.Ended;
            onEnded.Invoke(_ended.Reason);
        }

        private void OnDisable() => Leave();

        private void Join()
        {
            _line = connection.Line;
            _watch = _line.Watch(session);
            _scene = null;
            _ended = null;
        }

        private void Leave()
        {
            if (_watch != null) _line.Leave(_watch);
            _watch = null;
            _line = null;
        }
    }
}
