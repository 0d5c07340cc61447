using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using Motus.Protocol;

namespace Motus.Tests
{
    /// <summary>What a game at 60 Hz shows of a stream that came over a network, against the stream itself.</summary>
    internal sealed class Replay
    {
        private const double Rate = 60;
        private const double WarmUp = 3; // seconds in which a buffer may learn the network

        private readonly List<double> _ages = new List<double>();
        private readonly List<float> _accelerations = new List<float>();

        /// <summary>The buffer at the end.</summary>
        public JitterBuffer Buffer { get; private set; }

        /// <summary>Seconds by which what was shown was older than it could be, on the mean.</summary>
        public double MeanAge => _ages.Average();

        /// <summary>The same, but for one pose in a hundred.</summary>
        public double WorstAge => _ages.OrderBy(age => age).ElementAt((int)(0.99 * (_ages.Count - 1)));

        /// <summary>Poses that were shown.</summary>
        public int Shown => _ages.Count;

        /// <summary>Poses that were the same as, or carried on from, those before.</summary>
        public long Repeated { get; private set; }

        /// <summary>Frames that were sent and never shown.</summary>
        public long Dropped { get; private set; }

        /// <summary>The largest acceleration of any joint, m/s2, by how much of it is shown.</summary>
        public float Peak => _accelerations.Max();

        /// <summary>Poses in which some joint accelerates more than so much.</summary>
        public int Above(float acceleration) => _accelerations.Count(one => one > acceleration);

        /// <summary>Show it.</summary>
        public static Replay Of(List<FramePacket> packets, Network network, Skeleton skeleton, double seconds, BufferSettings settings, BodyPose idle = null)
        {
            var replay = new Replay { Buffer = new JitterBuffer(skeleton.Count, settings) { Idle = idle } };
            var pose = new BodyPose(skeleton.Count);
            var places = new[] { new Vector3[skeleton.Count], new Vector3[skeleton.Count], new Vector3[skeleton.Count] };
            var turns = new Quaternion[skeleton.Count];
            long starved = 0, late = 0, missing = 0;
            var next = 0;
            for (var step = 0; step < seconds * Rate; step++)
            {
                var now = step / Rate + 0.003;
                while (next < packets.Count && packets[next].Arrived <= now) replay.Buffer.Add(packets[next++]);
                replay.Buffer.Sample(now, pose);
                skeleton.Forward(pose, places[step % 3], turns);
                if (now < WarmUp)
                {
                    starved = replay.Buffer.Starved;
                    late = replay.Buffer.Late;
                    missing = packets.Take(next).Select(packet => packet.First).Distinct().Count();
                    continue;
                }
                var newest = replay.Buffer.NewestFrame / 30.0 + network.Ahead;
                replay._ages.Add(now - network.Way + network.Ahead - Math.Min(replay.Buffer.Playhead, newest));
                replay._accelerations.Add(replay.Buffer.Weight * Acceleration(places[(step + 1) % 3], places[(step + 2) % 3], places[step % 3]));
            }
            replay.Repeated = replay.Buffer.Starved - starved;
            var came = packets.Take(next).Select(packet => packet.First).Distinct().Count() - missing;
            replay.Dropped = Math.Max(0, replay.Buffer.Late - late + (long)((seconds - WarmUp) * 30) - came);
            return replay;
        }

        private static float Acceleration(Vector3[] a, Vector3[] b, Vector3[] c)
        {
            var most = 0f;
            for (var joint = 0; joint < a.Length; joint++) most = Math.Max(most, (a[joint] - 2 * b[joint] + c[joint]).Length());
            return most * (float)(Rate * Rate);
        }
    }
}
