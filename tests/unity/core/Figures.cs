using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using Motus.Protocol;

namespace Motus.Tests
{
    /// <summary>What tools/unity/figures.py asks for: measurements, as one line of JSON each.</summary>
    public static class Figures
    {
        private const double Seconds = 60;

        /// <summary>The argument is what to measure: buffer, cost, or soak and for how many seconds.</summary>
        public static void Measure(string[] what)
        {
            if (what[0] == "buffer") Buffers();
            else if (what[0] == "cost") Cost();
            else Soak(double.Parse(what[1], CultureInfo.InvariantCulture));
        }

        private static void Buffers()
        {
            var clip = Fixtures.Clip("long");
            var skeleton = Fixtures.Skeleton();
            var clean = Replay.Of(new Network().Carry(clip, Seconds), new Network(), skeleton, Seconds, new BufferSettings());
            foreach (var jitter in new[] { 0, 0.01, 0.03, 0.06, 0.1, 0.15 }) Row("jitter", new Network { Jitter = jitter });
            foreach (var loss in new[] { 0.05, 0.1, 0.2 }) Row("loss", new Network { Jitter = 0.03, Loss = loss, Reorders = true });
            Row("reordering", new Network { Jitter = 0.1, Reorders = true, Twice = 0.05 });
            Row("worst", new Network { Jitter = 0.15, Loss = 0.2, Reorders = true, Twice = 0.05 });
            Row("outage, then all at once", new Network { Jitter = 0.03, Outage = (20, 22) });
            Row("outage, and all is lost", new Network { Jitter = 0.03, Outage = (20, 22), Reorders = true });

            void Row(string name, Network network)
            {
                var packets = network.Carry(clip, Seconds);
                var adaptive = Replay.Of(packets, network, skeleton, Seconds, new BufferSettings());
                var plain = new BufferSettings { Fixed = 0.1, Extrapolate = 0, Ease = 0, Recover = 0 };
                var still = Replay.Of(packets, network, skeleton, Seconds, plain);
                Say($"\"network\":\"{name}\",\"jitter_ms\":{Number(1000 * network.Jitter)},\"loss\":{Number(network.Loss)},\"adaptive\":{Of(adaptive)},\"fixed\":{Of(still)}");
            }

            string Of(Replay replay) =>
                $"{{\"mean_ms\":{Number(1000 * replay.MeanAge)},\"p99_ms\":{Number(1000 * replay.WorstAge)},\"dropped\":{replay.Dropped},\"repeated\":{replay.Repeated},\"shown\":{replay.Shown},"
                + $"\"spikes\":{replay.Above(1.5f * clean.Peak)},\"peak\":{Number(replay.Peak)},\"clean_peak\":{Number(clean.Peak)}}}";
        }

        private static void Cost()
        {
            const int Characters = 100, Frames = 60;
            var clip = Fixtures.Clip("long");
            var skeleton = Fixtures.Skeleton();
            var rig = Fixtures.Rig("unity");
            var one = Fixtures.Frame(clip, 0, 0, 0);
            var message = new Frames
            {
                Id = "s1", Sequence = 40, First = 52, Fps = 30, Clock = 104.5, Root = new Floats(one.Root, 1, 3),
                Rotations = new Floats(one.Rotations, 1, clip.Joints, 4), Contacts = new Floats(one.Contacts, 1, 4),
            };
            var bytes = Wire.Pack(message).Sum(part => part.Length);
            var parts = Parts.Of(Wire.Pack(message));
            var reader = new FramesReader();
            var packet = new FramePacket();
            var buffers = new JitterBuffer[Characters];
            var bodies = new Retargeter[Characters];
            var feet = new FootLock[Characters];
            for (var i = 0; i < Characters; i++)
            {
                buffers[i] = new JitterBuffer(skeleton.Count);
                bodies[i] = Retargeter.Of(skeleton, rig, out _);
                feet[i] = new FootLock(rig);
            }
            var pose = new BodyPose(skeleton.Count);
            var motion = new HumanMotion();
            double reading = 1e9, showing = 1e9;
            var frame = 0;
            for (var round = 0; round < 8; round++)
            {
                var watch = Stopwatch.StartNew();
                for (var i = 0; i < 2000; i++) reader.Read(parts, packet);
                reading = Math.Min(reading, watch.Elapsed.TotalMilliseconds / 2000 * 1000);
                var spent = 0.0;
                for (var step = 0; step < Frames; step++)
                {
                    var now = frame / 30.0 + (step % 2) / 60.0;
                    if (step % 2 == 0)
                    {
                        frame++;
                        var came = Fixtures.Frame(clip, frame, frame / 30.0, now);
                        foreach (var buffer in buffers) buffer.Add(came);
                    }
                    watch.Restart();
                    for (var i = 0; i < Characters; i++)
                    {
                        buffers[i].Sample(now, pose);
                        bodies[i].Carry(pose, motion);
                        feet[i].Hold(motion, pose.Contacts, 1 / 60f);
                    }
                    spent += watch.Elapsed.TotalMilliseconds;
                }
                showing = Math.Min(showing, spent / Frames / Characters * 1000);
            }
            Say($"\"bytes\":{bytes},\"reading_us\":{Number(reading)},\"showing_us\":{Number(showing)}");
        }

        private static void Soak(double seconds)
        {
            var skeleton = Fixtures.Skeleton();
            var retargeter = Retargeter.Of(skeleton, Fixtures.Rig("unity"), out _);
            var pose = new BodyPose(skeleton.Count);
            var motion = new HumanMotion();
            var buffer = new JitterBuffer(skeleton.Count);
            using var server = new Server();
            using var connection = new Connection(server.Address);
            Patience.Until(() => connection.State == ConnectionState.Open, "welcome", 60);
            var live = connection.Open(new OpenStream { Content = "a person walks", Seed = 1 });
            var begun = Clock.Now;
            var next = 10.0;
            var heap = new List<long>();
            while (Clock.Now - begun < seconds)
            {
                for (var packet = live.Take(); packet != null; packet = live.Take())
                {
                    buffer.Add(packet);
                    live.Return(packet);
                }
                buffer.Sample(Clock.Now, pose);
                retargeter.Carry(pose, motion);
                if (Clock.Now - begun > next)
                {
                    heap.Add(GC.GetTotalMemory(true));
                    next += seconds / 10;
                }
                Thread.Sleep(16);
            }
            Say($"\"seconds\":{Number(seconds)},\"frames\":{buffer.Received},\"late\":{buffer.Late},\"missing\":{buffer.Missing},\"failed\":{(live.Failure == null ? "false" : "true")},"
                + $"\"bytes_received\":{connection.BytesReceived},\"heap_bytes\":[{string.Join(",", heap)}]");
        }

        private static void Say(string json) => Console.WriteLine("{" + json + "}");

        private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
    }
}
