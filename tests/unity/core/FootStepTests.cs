using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>Feet that come down in a recorded walk: each step once, when the foot that swung has come to rest.</summary>
    [TestFixture]
    public sealed class FootStepTests
    {
        private const double Near = 0.12;

        [Test]
        public void EachStepOfARecordedWalkIsFoundOnceWhenTheFootComesToRest()
        {
            var clip = Walk();
            var steps = Swings(clip).ToList();
            var found = FootEvents.Of(clip).ToList();
            Console.WriteLine("steps: " + string.Join(", ", found.Select(one => $"{(one.Foot == 0 ? "left" : "right")} {one.Seconds:0.00}")));
            Assert.Greater(steps.Count, 5);
            Assert.AreEqual(steps.Count, found.Count);
            for (var i = 0; i < steps.Count; i++)
            {
                Assert.AreEqual(steps[i].Foot, found[i].Foot, $"step {i}");
                Assert.AreEqual(steps[i].Seconds, found[i].Seconds, Near, $"step {i}");
            }
            for (var i = 1; i < found.Count; i++) Assert.AreNotEqual(found[i - 1].Foot, found[i].Foot, "left and right take turns");
        }

        [TestCase(45)]
        [TestCase(60)]
        [TestCase(144)]
        public void AGameHearsTheSameStepsAtItsOwnRate(double rate)
        {
            var clip = Walk();
            var wanted = FootEvents.Of(clip).ToList();
            var steps = new FootSteps();
            var pose = new BodyPose(clip.Skeleton.Count);
            var heard = new List<(double Seconds, int Foot)>();
            for (var now = 0.0; now < clip.Seconds; now += 1 / rate)
            {
                clip.Sample(now, pose);
                for (var foot = 0; foot < 2; foot++)
                {
                    if (steps.Lands(pose.Contacts, foot, 1 / rate)) heard.Add((now, foot));
                }
            }
            CollectionAssert.AreEqual(wanted.Select(one => one.Foot), heard.Select(one => one.Foot));
            for (var i = 0; i < wanted.Count; i++) Assert.AreEqual(wanted[i].Seconds, heard[i].Seconds, 1 / 30.0 + 1 / rate);
        }

        [Test]
        public void ABodyThatStandsTakesNoStep()
        {
            var steps = new FootSteps();
            var lands = 0;
            for (var frame = 0; frame < 60; frame++)
            {
                var rolling = frame % 20 == 10 ? 0 : 1; // a frame in which neither heel nor toe is sure
                if (steps.Lands(new Vector4(1, 1, rolling, 0), 0, 1 / 30.0)) lands++;
                if (steps.Lands(new Vector4(1, 1, rolling, 0), 1, 1 / 30.0)) lands++;
            }
            Assert.AreEqual(0, lands);
        }

        private static MotionClip Walk()
        {
            var clip = new MotionClip(Fixtures.Skeleton(), 30);
            clip.Add(Fixtures.Clip("walk"));
            Assert.AreEqual(116, clip.Count);
            return clip;
        }

        /// <summary>Where ankles that went faster than 1.5 m/s over the ground have come below 0.7: what contacts do not enter into.</summary>
        private static IEnumerable<(double Seconds, int Foot)> Swings(MotionClip clip)
        {
            var ankles = new[] { clip.Skeleton.Find("left_ankle"), clip.Skeleton.Find("right_ankle") };
            Vector3[] places = new Vector3[clip.Skeleton.Count], before = new Vector3[clip.Skeleton.Count];
            var turns = new Quaternion[clip.Skeleton.Count];
            var swings = new bool[2];
            clip.Skeleton.Forward(clip[0], before, turns);
            for (var frame = 1; frame < clip.Count; frame++)
            {
                clip.Skeleton.Forward(clip[frame], places, turns);
                for (var foot = 0; foot < 2; foot++)
                {
                    var way = places[ankles[foot]] - before[ankles[foot]];
                    var speed = new Vector2(way.X, way.Z).Length() * clip.Fps;
                    if (swings[foot] && speed < 0.7) yield return (frame / clip.Fps, foot);
                    swings[foot] = speed > 1.5 || (swings[foot] && speed >= 0.7);
                }
                (places, before) = (before, places);
            }
        }
    }
}
