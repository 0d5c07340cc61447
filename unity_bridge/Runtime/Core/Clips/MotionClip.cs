using System;
using System.Collections.Generic;
using Motus.Protocol;

namespace Motus
{
    /// <summary>Motion that has come whole: frames at a steady rate, to be shown at any time, as often as one likes.</summary>
    public sealed class MotionClip
    {
        private readonly List<BodyPose> _frames = new List<BodyPose>();

        /// <summary>An empty clip of a skeleton.</summary>
        public MotionClip(Skeleton skeleton, double fps)
        {
            Skeleton = skeleton;
            Fps = fps;
        }

        /// <summary>What its frames are on.</summary>
        public Skeleton Skeleton { get; }

        /// <summary>Frames a second.</summary>
        public double Fps { get; }

        /// <summary>What was asked for.</summary>
        public string Text { get; set; } = "";

        /// <summary>Which random numbers made it.</summary>
        public long Seed { get; set; }

        /// <summary>How near its sentence lies to what the bundle learned, 0 to 1; null where that is not known.</summary>
        public double? Familiar { get; set; }

        /// <summary>Up to three things that the bundle can do and that lie nearest to its sentence.</summary>
        public string[] Nearest { get; set; } = Array.Empty<string>();

        /// <summary>How many frames.</summary>
        public int Count => _frames.Count;

        /// <summary>From the first frame to the last, in seconds.</summary>
        public double Seconds => Math.Max(0, _frames.Count - 1) / Fps;

        /// <summary>One frame.</summary>
        public BodyPose this[int frame] => _frames[frame];

        /// <summary>Take the frames of a packet; those that do not follow the last are left out.</summary>
        public void Add(FramePacket packet)
        {
            if (packet.Joints != Skeleton.Count || packet.First != _frames.Count) return;
            for (var frame = 0; frame < packet.Count; frame++)
            {
                var pose = new BodyPose(packet.Joints);
                pose.Read(packet, frame);
                _frames.Add(pose);
            }
        }

        /// <summary>The pose at a time, held before the first frame and after the last.</summary>
        public void Sample(double seconds, BodyPose into)
        {
            if (_frames.Count == 0) return;
            var at = Math.Min(Math.Max(seconds * Fps, 0), _frames.Count - 1);
            var frame = Math.Min((int)at, Math.Max(0, _frames.Count - 2));
            into.Blend(_frames[frame], _frames[Math.Min(frame + 1, _frames.Count - 1)], (float)(at - frame));
        }
    }
}
