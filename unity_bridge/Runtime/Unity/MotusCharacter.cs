using Motus.Protocol;
using UnityEngine;
using UnityEngine.Events;

namespace Motus
{
    /// <summary>A Humanoid that does what it is told: live, steered at any time, or one clip at a time.</summary>
    [AddComponentMenu("Motus/Motus Character")]
    [DisallowMultipleComponent]
    [DefaultExecutionOrder(100)]
    [RequireComponent(typeof(Animator))]
    public sealed class MotusCharacter : MonoBehaviour
    {
        [SerializeField] private MotusConnection connection;

        [TextArea(1, 4)]
        [SerializeField] private string prompt = "a person walks forward";

        [Tooltip("Of one clip; 0: as the model likes. A live session has no end.")]
        [Min(0)]
        [SerializeField] private float seconds;

        [Tooltip("A live session, which goes on and may be steered; else one clip for each Play()")]
        [SerializeField] private bool live = true;

        [SerializeField] private bool playOnStart = true;

        [Tooltip("The name under which others may watch the live session; empty: nobody may")]
        [SerializeField] private string publish = "";

        [Range(0, 1)]
        [SerializeField] private float weight = 1;

        [SerializeField] private MotusParts parts = MotusParts.All;

        [Tooltip("Bones of these parts that do what the Animator does all the same")]
        [SerializeField] private HumanBone[] without = System.Array.Empty<HumanBone>();

        [SerializeField] private MotusRootMotion rootMotion = MotusRootMotion.Apply;
        [SerializeField] private bool holdFeet = true;

        [Tooltip("Blend with the Animator muscle by muscle, rather than bone by bone")]
        [SerializeField] private bool blendMuscles;

        [SerializeField] private UnityEvent onBegun = new UnityEvent();
        [SerializeField] private UnityEvent onEnded = new UnityEvent();
        [SerializeField] private MotusTextEvent onProblem = new MotusTextEvent();
        [SerializeField] private MotusFootEvent onFootDown = new MotusFootEvent();

        private readonly FootSteps _steps = new FootSteps();
        private MotusBody _body;
        private MotusMuscles _muscles;
        private Flow _flow;
        private Done _done;
        private MotionClip _clip;
        private JitterBuffer _buffer;
        private BodyPose _pose;
        private string _told;
        private double _clipTime, _again;
        private bool _wanted, _fed;

        /// <summary>The server it is connected to.</summary>
        public MotusConnection Connection { get => connection; set => connection = value; }

        /// <summary>What to do. In a live session a change is an order.</summary>
        public string Prompt
        {
            get => prompt;
            set
            {
                prompt = value;
                if (live) Steer(new Steer { Content = value });
            }
        }

        /// <summary>How much of the motion is shown, over what the Animator does.</summary>
        public float Weight { get => weight; set => weight = Mathf.Clamp01(value); }

        /// <summary>Which parts of the body it is let onto.</summary>
        public MotusParts Parts { get => parts; set => parts = value; }

        /// <summary>Bones of these parts that do what the Animator does all the same.</summary>
        public HumanBone[] Without { get => without; set => without = value ?? System.Array.Empty<HumanBone>(); }

        /// <summary>What becomes of the way it goes.</summary>
        public MotusRootMotion RootMotion { get => rootMotion; set => rootMotion = value; }

        /// <summary>How what is shown stands to what has come.</summary>
        public BufferStatus Status => _buffer?.Status ?? BufferStatus.NoData;

        /// <summary>The buffer of a live session, or null.</summary>
        public JitterBuffer Buffer => _buffer;

        /// <summary>What is wrong, or null.</summary>
        public string Problem { get; private set; }

        /// <summary>How near the sentence of the last clip lies to what the bundle learned, 0 to 1; null where that is not known.</summary>
        public double? Familiar => _done?.Familiar;

        /// <summary>Up to three things that the bundle can do and that lie nearest to the sentence of the last clip.</summary>
        public string[] Nearest => _done?.Nearest ?? System.Array.Empty<string>();

        /// <summary>Both as a sentence for the user, or null where there is nothing to say. Never a problem.</summary>
        public string Hint => Motus.Hint.Of(Familiar, Nearest);

        /// <summary>Do the prompt: begin a live session, or ask for a clip and show it as it comes.</summary>
        public void Play()
        {
            _wanted = true;
            _again = 0;
            Stop(false);
        }

        /// <summary>Show a clip that has come whole.</summary>
        public void Play(MotionClip clip)
        {
            Stop(true);
            _clip = clip;
            _clipTime = 0;
            _done = null;
            Follow(clip.Skeleton);
            onBegun.Invoke();
        }

        /// <summary>Stop; the Animator has the body again.</summary>
        public void Stop() => Stop(true);

        /// <summary>New orders for the live session, as soon as there is one.</summary>
        public void Steer(Steer orders) => _flow?.Steer(orders);

        /// <summary>Turn to a place of the world and go there.</summary>
        public void GoTo(Vector3 place)
        {
            if (_body == null) return;
            var wire = _body.ToWire(place);
            Steer(new Steer { Target = new double[] { wire.X, wire.Z } });
        }

        /// <summary>Frames of a session that somebody else has begun; MotusStream calls this.</summary>
        public void Feed(Skeleton skeleton, FramePacket packet)
        {
            if (!_fed) Stop(true);
            _fed = true;
            if (Follow(skeleton)) _buffer.Add(packet);
        }

        /// <summary>One step of so many seconds, after the Animator's; the editor calls this where no game is running.</summary>
        public void Step(float dt)
        {
            if (connection != null && _wanted) Ask();
            if (_buffer == null || _body == null) return;
            TakeIn();
            var shown = weight;
            if (_clip != null && !(live && _flow != null))
            {
                if (_clip.Count == 0) return;
                var complete = _flow == null || _flow.Done != null;
                _clip.Sample(_clipTime, _pose);
                _clipTime += dt;
                if (_clipTime > _clip.Seconds && complete) End();
                else if (!complete) _clipTime = System.Math.Min(_clipTime, _clip.Seconds); // the rest is still being made
            }
            else
            {
                _buffer.Sample(Clock.Now, _pose);
                shown *= _buffer.Weight;
            }
            if (shown <= 0) return;
            Show(shown, dt);
            Feet(dt);
        }

        private void Start()
        {
            if (playOnStart) Play();
        }

        private void LateUpdate()
        {
            if (connection != null) connection.Report();
            Step(Time.deltaTime);
        }

        private void OnDisable()
        {
            Stop(true);
            _muscles?.Dispose();
            _muscles = null;
            _body = null;
        }

        /// <summary>Ask the server, once there is a connection; again after a while where that failed and may succeed later.</summary>
        private void Ask()
        {
            if (_flow != null && _flow.Failure != null)
            {
                Tell(_flow.Failure.Message);
                _wanted = _flow.Failure.Retry && live;
                _again = Clock.Now + System.Math.Max(1, _flow.Failure.RetryAfterS ?? 0);
                _flow = null;
            }
            if (_flow != null || Clock.Now < _again || connection.Line.State != ConnectionState.Open) return;
            var skeleton = connection.Skeleton;
            var welcome = connection.Line.Welcome; // which may be gone the next moment
            if (welcome == null || !Follow(skeleton)) return;
            _buffer.Clear();
            _done = null;
            _clip = live ? null : new MotionClip(skeleton, welcome.Fps) { Text = prompt };
            _clipTime = 0;
            _flow = live
                ? connection.Line.Open(new OpenStream { Content = prompt, Publish = string.IsNullOrEmpty(publish) ? null : publish })
                : connection.Line.Ask(new Generate { Task = "text-to-motion", Content = prompt, Seconds = seconds > 0 ? seconds : (double?)null });
            Tell(null);
            onBegun.Invoke();
        }

        private void TakeIn()
        {
            if (_flow == null) return;
            for (var packet = _flow.Take(); packet != null; packet = _flow.Take())
            {
                if (live) _buffer.Add(packet);
                else _clip?.Add(packet);
                _flow.Return(packet);
            }
            _done = _flow.Done ?? _done;
        }

        private bool Follow(Skeleton skeleton)
        {
            if (skeleton == null) return false;
            string problem = null;
            if (_body == null) _body = MotusBody.Of(GetComponent<Animator>(), out problem);
            if (_body != null) problem = _body.Follow(skeleton);
            if (problem != null)
            {
                Tell(problem);
                _wanted = false;
                return false;
            }
            if (_buffer == null || _buffer.Joints != skeleton.Count)
            {
                _buffer = new JitterBuffer(skeleton.Count);
                _pose = new BodyPose(skeleton.Count);
            }
            return true;
        }

        private void Show(float shown, float dt)
        {
            var mask = BoneMask.Of(parts, without);
            var byMuscles = blendMuscles && shown < 1 && mask.Whole;
            if (byMuscles)
            {
                if (_muscles == null) _muscles = new MotusMuscles(GetComponent<Animator>());
                _muscles.Remember();
            }
            _body.Show(_pose, byMuscles ? 1 : shown, mask, rootMotion, holdFeet, dt);
            if (byMuscles) _muscles.Blend(shown);
        }

        private void Feet(float dt)
        {
            for (var foot = 0; foot < 2; foot++)
            {
                if (_steps.Lands(_pose.Contacts, foot, dt)) onFootDown.Invoke(foot);
            }
        }

        private void End()
        {
            _done = _flow?.Done ?? _done;
            _clip = null;
            _flow = null;
            _wanted = false;
            onEnded.Invoke();
        }

        private void Stop(bool forGood)
        {
            if (forGood) _wanted = false;
            if (live) _flow?.Close();
            else _flow?.Cancel();
            _flow = null;
            _clip = null;
            _fed = false;
            _buffer?.Clear();
            _body?.Place();
        }

        /// <summary>One line in the console for each thing that is wrong.</summary>
        private void Tell(string problem)
        {
            Problem = problem;
            if (problem == _told) return;
            _told = problem;
            if (problem == null) return;
            Debug.LogWarning($"Motus: {name}: {problem}", this);
            onProblem.Invoke(problem);
        }
    }
}
