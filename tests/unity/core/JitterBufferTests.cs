using System;
using System.Numerics;
using Motus.Protocol;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>The jitter buffer on simulated networks: as late as it must be, as smooth as the stream, whatever happens on the way.</summary>
    [TestFixture]
    public sealed class JitterBufferTests
    {
        private const double Seconds = 20;

        [TestCase(0.0, 0.0, false)]
        [TestCase(0.03, 0.0, false)]
        [TestCase(0.03, 0.02, true)]
        [TestCase(0.08, 0.0, false)]
        [TestCase(0.08, 0.05, true)]
        [TestCase(0.15, 0.0, false)]
        [TestCase(0.15, 0.1, true)]
        [TestCase(0.15, 0.2, true)]
        public void DelayFollowsTheJitterAndMotionStaysSmooth(double jitter, double loss, bool reorders)
        {
            var network = new Network { Jitter = jitter, Loss = loss, Reorders = reorders, Twice = loss / 2 };
            var replay = Replayed(network);
            var clean = Replayed(new Network());
            Assert.Less(replay.MeanAge, jitter + 0.06 + 0.4 * loss, "no later than the jitter and a frame or two");
            Assert.Greater(replay.MeanAge, jitter * 0.5);
            Assert.Less(replay.Repeated, 0.05 * replay.Shown + 1);
            Console.WriteLine($"jitter {1000 * jitter:0} ms, loss {loss:P0}: {1000 * replay.MeanAge:0} ms late, {1000 * replay.WorstAge:0} at worst, {replay.Dropped} dropped, {replay.Repeated} repeated of {replay.Shown}, peak {replay.Peak:0} against {clean.Peak:0} m/s2, {replay.Above(1.5f * clean.Peak)} spikes");
            Assert.Less(replay.Above(1.5f * clean.Peak), 0.03 * replay.Shown + 1, $"peak {replay.Peak} against {clean.Peak}");
        }

        [Test]
        public void OnACleanNetworkWhatIsShownIsTheStreamItself()
        {
            var clip = Fixtures.Clip("long");
            var buffer = new JitterBuffer(clip.Joints);
            var pose = new BodyPose(clip.Joints);
            var wanted = new BodyPose(clip.Joints);
            var next = 0;
            for (var now = 0.0; now < 3; now += 1 / 60.0)
            {
                for (; next / 30.0 + 0.05 <= now; next++) buffer.Add(Fixtures.Frame(clip, next, next / 30.0 + 99, next / 30.0 + 0.05));
                buffer.Sample(now, pose);
                if (now < 1 || buffer.Playhead - 99 > 3.2) continue;
                Assert.AreEqual(BufferStatus.Synced, buffer.Status);
                var frame = (buffer.Playhead - 99) * 30;
                var t = (float)(frame - Math.Floor(frame));
                wanted.Read(clip, (int)frame);
                var from = wanted.Rotations[18];
                wanted.Read(clip, (int)frame + 1);
                var expected = Turn.Slerp(from, wanted.Rotations[18], t);
                Assert.Greater(Math.Abs(Turn.Dot(expected, pose.Rotations[18])), 0.9999);
            }
        }

        [Test]
        public void DelayIsOneFrameWhereThereIsNoJitter()
        {
            var replay = Replayed(new Network());
            Assert.Less(replay.MeanAge, 0.045);
            Assert.AreEqual(0, replay.Repeated);
            Assert.AreEqual(0, replay.Dropped);
        }

        [TestCase(false, false)]
        [TestCase(false, true)]
        [TestCase(true, false)]
        [TestCase(true, true)]
        public void AnOutageIsCarriedOnThenIdleAndComesBackWithoutAJump(bool lost, bool idle)
        {
            var network = new Network { Jitter = 0.02, Outage = (8, 10), Reorders = lost };
            var skeleton = Fixtures.Skeleton();
            var clip = Fixtures.Clip("long");
            var packets = network.Carry(clip, Seconds);
            var buffer = new JitterBuffer(skeleton.Count) { Idle = idle ? Standing(skeleton) : null };
            var pose = new BodyPose(skeleton.Count);
            Vector3[] places = new Vector3[skeleton.Count], before = new Vector3[skeleton.Count];
            var turns = new Quaternion[skeleton.Count];
            var next = 0;
            float fastest = 0, least = 1, clean = 0;
            for (var step = 0; step < Seconds * 60; step++)
            {
                var now = step / 60.0;
                while (next < packets.Count && packets[next].Arrived <= now) buffer.Add(packets[next++]);
                buffer.Sample(now, pose);
                (places, before) = (before, places);
                skeleton.Forward(pose, places, turns);
                float speed = 0;
                for (var joint = 0; joint < places.Length; joint++) speed = Math.Max(speed, 60 * ((places[joint] - pose.Root) - before[joint] + before[0]).Length());
                if (now > 4 && now < 8) clean = Math.Max(clean, speed);
                if (now > 8 && buffer.Weight > 0.1f) fastest = Math.Max(fastest, speed);
                if (now > 8 && now < 10) least = Math.Min(least, buffer.Weight);
                if (now > 9.5 && now < 9.9) Assert.AreEqual(BufferStatus.NoData, buffer.Status, $"at {now}");
                if (now > 8.2 && now < 8.5) Assert.AreEqual(BufferStatus.Behind, buffer.Status, $"at {now}");
                if (now > 12) Assert.AreEqual(BufferStatus.Synced, buffer.Status, $"at {now}");
            }
            Assert.AreEqual(0, least, 1e-6);
            Assert.AreEqual(1, buffer.Weight, 1e-6);
            Assert.Less(fastest, 3 * clean, "limbs never jump");
        }

        [Test]
        public void LateDoubledAndOvertakenFramesAreCountedAndDoNoHarm()
        {
            var replay = Replayed(new Network { Jitter = 0.1, Loss = 0.1, Twice = 0.3, Reorders = true });
            Assert.Greater(replay.Buffer.Duplicates, 50);
            Assert.Greater(replay.Buffer.Missing, 20);
            Assert.Less(replay.Buffer.Late, 60);
            Assert.AreEqual(BufferStatus.Synced, replay.Buffer.Status);
        }

        [Test]
        public void AServerThatBeginsAnewIsFollowed()
        {
            var clip = Fixtures.Clip("long");
            var buffer = new JitterBuffer(clip.Joints);
            var pose = new BodyPose(clip.Joints);
            for (var frame = 0; frame < 60; frame++)
            {
                buffer.Add(Fixtures.Frame(clip, frame, 5000 + frame / 30.0, frame / 30.0));
                buffer.Sample(frame / 30.0, pose);
            }
            for (var frame = 0; frame < 60; frame++)
            {
                var now = 2 + frame / 30.0;
                buffer.Add(Fixtures.Frame(clip, frame, 7 + frame / 30.0, now));
                buffer.Sample(now, pose);
            }
            Assert.AreEqual(BufferStatus.Synced, buffer.Status);
            Assert.Less(Math.Abs(buffer.Playhead - 9), 0.2);
        }

        [Test]
        public void NothingIsShownOfABodyThatNeverCame()
        {
            var buffer = new JitterBuffer(22);
            buffer.Sample(1, new BodyPose(22));
            Assert.AreEqual(BufferStatus.NoData, buffer.Status);
            Assert.AreEqual(0f, buffer.Weight);
            buffer.Add(Fixtures.Frame(Fixtures.Clip("long"), 0, 1, 1));
            Assert.AreEqual(0, new JitterBuffer(5).Received);
        }

        [Test]
        public void DelayGoesDownAgainWhenTheNetworkCalmsDown()
        {
            var clip = Fixtures.Clip("long");
            var buffer = new JitterBuffer(clip.Joints);
            var pose = new BodyPose(clip.Joints);
            var random = new Random(4);
            double rough = 0, before = 0;
            for (var frame = 0; frame < 900; frame++)
            {
                var due = frame / 30.0;
                var arrives = Math.Max(before, due + (frame < 300 ? 0.15 * random.NextDouble() : 0));
                before = arrives;
                buffer.Add(Fixtures.Frame(clip, frame, due, arrives));
                buffer.Sample(due + 0.15, pose);
                if (frame == 299) rough = buffer.Delay;
            }
            Assert.Greater(rough, 0.12);
            Assert.Less(buffer.Delay, 0.05);
        }

        private static Replay Replayed(Network network, BufferSettings settings = null)
        {
            var clip = Fixtures.Clip("long");
            return Replay.Of(network.Carry(clip, Seconds), network, Fixtures.Skeleton(), Seconds, settings);
        }

        private static BodyPose Standing(Skeleton skeleton) => new BodyPose(skeleton.Count) { Root = new Vector3(0, 0.93f, 0) };
    }
}
