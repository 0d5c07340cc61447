using System;
using System.Numerics;
using System.Reflection;
using Motus.Protocol;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>After warm-up no frame makes garbage: reading, buffering, sampling, retargeting and holding feet. Measured where the runtime can.</summary>
    [TestFixture]
    public sealed class AllocationTests
    {
        private static readonly MethodInfo Allocated = typeof(GC).GetMethod("GetAllocatedBytesForCurrentThread");

        [Test]
        public void AFrameMakesNoGarbageFromItsBytesToTheBones()
        {
            if (Allocated == null || Type.GetType("Mono.Runtime") != null) Assert.Ignore("this runtime does not count what a thread allocates");
            var count = (Func<long>)Allocated.CreateDelegate(typeof(Func<long>));
            var clip = Fixtures.Clip("stroll");
            var skeleton = Fixtures.Skeleton();
            var rig = Fixtures.Rig("unity");
            var retargeter = Retargeter.Of(skeleton, rig, out _);
            var feet = new FootLock(rig);
            var buffer = new JitterBuffer(skeleton.Count);
            var pose = new BodyPose(skeleton.Count);
            var motion = new HumanMotion();
            var reader = new FramesReader();
            var packet = new FramePacket();
            var offset = new ClockOffset();
            var messages = new Parts[300];
            for (var frame = 0; frame < messages.Length; frame++) messages[frame] = Parts.Of(Wire.Pack(Message(clip, frame)));
            long before = 0;
            for (var frame = 0; frame < messages.Length; frame++)
            {
                if (frame == 100) before = count();
                var now = frame / 30.0;
                if (!FramesReader.Are(messages[frame])) Assert.Fail("frames were taken for something else");
                packet.Arrived = now;
                if (reader.Read(messages[frame], packet) != null) Assert.Fail("a good frame was refused");
                if (frame % 7 != 3) buffer.Add(packet); // some are lost
                offset.Add(now, now + 5, now + 5, now);
                for (var half = 0; half < 2; half++)
                {
                    buffer.Sample(now + half / 60.0, pose);
                    retargeter.Carry(pose, motion);
                    feet.Hold(motion, pose.Contacts, 1 / 60f);
                }
            }
            var allocated = count() - before;
            Console.WriteLine($"garbage: {allocated} bytes in 200 frames");
            Assert.AreEqual(0, allocated);
        }

        private static Frames Message(FramePacket clip, int frame)
        {
            var one = Fixtures.Frame(clip, frame, frame / 30.0, 0);
            return new Frames
            {
                Id = "s1", Sequence = frame, First = frame, Fps = 30, Clock = frame / 30.0,
                Root = new Floats(one.Root, 1, 3), Rotations = new Floats(one.Rotations, 1, clip.Joints, 4), Contacts = new Floats(one.Contacts, 1, 4),
            };
        }
    }
}
