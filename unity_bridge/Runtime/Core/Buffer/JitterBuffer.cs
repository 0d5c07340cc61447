using System;
using System.Numerics;
using Motus.Protocol;

namespace Motus
{
    /// <summary>Frames that come when they come, shown when they are due: late enough that nearly all are there, and no later.
    ///
    /// Every frame bears the server's clock. What is shown is the motion at one time of that clock, the playhead, which runs as our own clock
    /// does, behind the fastest messages by a delay. The delay follows the jitter that is measured, within bounds, by letting the playhead run
    /// a little faster or slower. Where frames are missing the motion between those around them is shown; where none come it is carried on for
    /// a moment and eases to idle; where they come again it goes over to them without a jump. One body, one thread, no garbage.
    /// </summary>
    public sealed class JitterBuffer
    {
        private const int Frames = 160;
        private const double OutageSeconds = 1;
        private const double Jump = 0.5; // seconds off: too far to be caught up with by running faster

        private readonly BufferSettings _settings;
        private readonly Timeline _frames;
        private readonly DelayEstimator _ways;
        private readonly Inertia _inertia;
        private readonly BodyPose _raw, _shown, _before, _next;
        private double _playhead, _sampled = double.NaN, _outage = double.NaN, _step;
        private bool _missing = true;

        /// <summary>For a body of so many joints.</summary>
        public JitterBuffer(int joints, BufferSettings settings = null)
        {
            _settings = settings ?? new BufferSettings();
            Joints = joints;
            _frames = new Timeline(Frames, joints);
            _ways = new DelayEstimator(_settings.Memory);
            _inertia = new Inertia(joints, Math.Max(_settings.Recover, 1e-3));
            _raw = new BodyPose(joints);
            _shown = new BodyPose(joints);
            _before = new BodyPose(joints);
            _next = new BodyPose(joints);
        }

        /// <summary>Joints of the body.</summary>
        public int Joints { get; }

        /// <summary>How what is shown stands to what has come.</summary>
        public BufferStatus Status { get; private set; }

        /// <summary>How much of the pose should be shown: 1, and down to 0 where nothing comes.</summary>
        public float Weight { get; private set; }

        /// <summary>What to ease to where nothing comes; null: the last pose stands, and `Weight` alone tells.</summary>
        public BodyPose Idle { get; set; }

        /// <summary>Seconds by which what is shown is later than the fastest messages.</summary>
        public double Delay { get; private set; }

        /// <summary>Seconds by which it should be.</summary>
        public double Target { get; private set; }

        /// <summary>Seconds by which all but the slowest messages come later than the fastest.</summary>
        public double Jitter => _ways.Late(_settings.Share);

        /// <summary>Frames that came and could be shown.</summary>
        public long Received { get; private set; }

        /// <summary>Frames that came when their time was over.</summary>
        public long Late { get; private set; }

        /// <summary>Frames that came twice.</summary>
        public long Duplicates { get; private set; }

        /// <summary>Frames that were passed over by later ones; those that come late nevertheless are counted again as `Late`.</summary>
        public long Missing { get; private set; }

        /// <summary>Poses that were asked for when there was nothing new to show.</summary>
        public long Starved { get; private set; }

        /// <summary>Which of the server's times is shown.</summary>
        public double Playhead => _playhead;

        /// <summary>Index of the newest frame that has come; -1: none.</summary>
        public long NewestFrame => _frames.Count == 0 ? -1 : _frames.NewestIndex;

        /// <summary>Take in a packet.</summary>
        public void Add(FramePacket packet)
        {
            if (packet.Joints != Joints || packet.Count == 0 || packet.Fps <= 0) return;
            if (_ways.Known && Math.Abs(packet.Arrived - packet.Clock - _ways.Base) > 30) Clear(); // the server's clock began anew
            if (Measure(packet)) Gap(packet);
            for (var frame = 0; frame < packet.Count; frame++)
            {
                var time = packet.Clock + frame / packet.Fps;
                if (!double.IsNaN(_sampled) && !_missing && time < _playhead - 2 / packet.Fps) Late++;
                else if (!_frames.Add(packet, frame, time)) Duplicates++;
                else if (!double.IsNaN(_sampled) && !_missing && time < _playhead) Late++;
                else Received++;
            }
            _step = 1 / packet.Fps;
        }

        /// <summary>What to show now, by our clock.</summary>
        public void Sample(double now, BodyPose into)
        {
            var dt = double.IsNaN(_sampled) ? 0 : Math.Max(0, now - _sampled);
            _sampled = now;
            if (_frames.Count == 0)
            {
                Status = BufferStatus.NoData;
                Weight = 0;
                into.Copy(Idle ?? _shown);
                return;
            }
            var jumped = Advance(now, dt);
            var late = _playhead - _frames.Newest;
            if (late <= 0 && (_missing || jumped)) Recover(dt);
            if (late > 0) Starved++;
            _missing = late > 0;
            Raw(_playhead, into);
            if (_settings.Recover > 0) _inertia.Apply(into, (float)dt);
            Ease(late, dt, into);
            _before.Copy(_shown);
            _shown.Copy(into);
            _frames.Forget(_playhead);
        }

        /// <summary>Begin anew, as with another session; what was shown last still fades into what comes.</summary>
        public void Clear()
        {
            _frames.Clear();
            _ways.Clear();
            _missing = true;
        }

        /// <summary>Learn from when it came. What is later than any delay covers was held up by an outage, of which nothing is learnt,
        /// unless it goes on: then the way itself has become longer.</summary>
        private bool Measure(FramePacket packet)
        {
            if (_ways.Known && packet.Arrived - packet.Clock - _ways.Base > _settings.Most)
            {
                if (double.IsNaN(_outage)) _outage = packet.Arrived;
                if (packet.Arrived - _outage < OutageSeconds) return false;
                _ways.Clear();
            }
            _outage = double.NaN;
            _ways.Add(packet.Clock, packet.Arrived);
            return true;
        }

        /// <summary>Frames that were passed over came, as far as showing goes, when the one after them did.</summary>
        private void Gap(FramePacket packet)
        {
            if (_frames.Count == 0) return;
            var gap = packet.First - _frames.NewestIndex - 1;
            if (gap <= 0) return;
            Missing += gap;
            for (var back = Math.Min(gap, 4); back > 0; back--) _ways.Add(packet.Clock - back / packet.Fps, packet.Arrived);
        }

        /// <summary>Move the playhead on; whether it jumped.</summary>
        private bool Advance(double now, double dt)
        {
            var wanted = _settings.Fixed > 0 ? _settings.Fixed : _ways.Late(_settings.Share) + _step;
            Target = _settings.Fixed > 0 ? wanted : Math.Min(Math.Max(wanted, _settings.Least), _settings.Most);
            var aim = now - _ways.Base - Target;
            var error = aim - (_playhead + dt);
            var most = _settings.Stretch * dt;
            var jump = Math.Abs(error) > Jump || _settings.Fixed > 0;
            if (jump) _playhead = aim;
            else _playhead += dt + Math.Min(Math.Max(error * dt / 0.25, -most), most);
            Delay = now - _ways.Base - _playhead;
            return jump && Math.Abs(error) > Jump;
        }

        private void Raw(double time, BodyPose into)
        {
            var late = time - _frames.Newest;
            if (late > 0) Interpolation.Beyond(_frames, late, _settings.Extrapolate, into);
            else Interpolation.Within(_frames, time, into);
            Status = late > 0 ? BufferStatus.Behind : time < _frames.Oldest ? BufferStatus.Ahead : BufferStatus.Synced;
        }

        /// <summary>From what was shown to what has come: the difference fades.</summary>
        private void Recover(double dt)
        {
            if (_settings.Recover <= 0 || Weight <= 0 && Idle == null) return;
            Raw(_playhead - dt, _next);
            Raw(_playhead, _raw);
            _inertia.Begin(_before, _shown, _next, (float)dt);
            _inertia.Subtract(_next, _raw, (float)dt);
            if (Idle != null) Weight = 1;
        }

        private void Ease(double late, double dt, BodyPose into)
        {
            var fading = late > _settings.Extrapolate && _settings.Ease > 0;
            var change = fading ? -dt / _settings.Ease : dt / Math.Max(_settings.Recover, 1e-3);
            Weight = (float)Math.Min(Math.Max(Weight + change, 0), 1);
            if (Weight <= 0 && fading) Status = BufferStatus.NoData;
            if (Idle == null || Weight >= 1) return;
            var smooth = Weight * Weight * (3 - 2 * Weight);
            var at = into.Root;
            var turned = into.Rotations[0];
            into.Blend(Idle, into, smooth);
            into.Root = new Vector3(at.X, into.Root.Y, at.Z);
            into.Rotations[0] = Turn.Slerp(Turn.Mul(Heading(turned), Idle.Rotations[0]), turned, smooth);
        }

        /// <summary>The part of a rotation that is about Y.</summary>
        private static Quaternion Heading(in Quaternion q) => Turn.Unit(new Quaternion(0, q.Y, 0, q.W));
    }
}
