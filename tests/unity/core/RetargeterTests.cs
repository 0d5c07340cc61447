using System;
using System.Collections.Generic;
using System.Numerics;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>Retargeting against Python's, on the same clips and rigs; feet that are held; what cannot be retargeted is said.</summary>
    [TestFixture]
    public sealed class RetargeterTests
    {
        private static readonly string[] Clips = { "stroll", "backflip", "lie_down" };
        private static readonly string[] Rigs = { "unity", "mixamo", "vrm", "unreal", "smpl", "sparse game rig" };

        [Test]
        public void JointsPointWherePythonsDoWithinHalfADegree()
        {
            double worst = 0, farthest = 0;
            var where = "";
            var count = 0;
            foreach (var rigName in Rigs)
            {
                var rig = Fixtures.Rig(rigName);
                var bones = Fixtures.Bones(rigName);
                foreach (var clipName in Clips)
                {
                    var theirs = Fixtures.Places(rigName, clipName);
                    var frame = 0;
                    foreach (var motion in Carried(rig, clipName))
                    {
                        var ours = HumanPlaces.Places(rig, motion);
                        var at = new Vector3[HumanRig.Bones];
                        for (var i = 0; i < bones.Length; i++) at[(int)bones[i]] = theirs[frame * bones.Length + i];
                        foreach (var (bone, parent) in HumanPlaces.Of(rig))
                        {
                            var angle = Angle(ours[(int)bone] - ours[(int)parent], at[(int)bone] - at[(int)parent]);
                            if (angle > worst) where = $"{rigName} {clipName} frame {frame} {bone}";
                            worst = Math.Max(worst, angle);
                            farthest = Math.Max(farthest, (ours[(int)bone] - at[(int)bone]).Length());
                            count++;
                        }
                        frame++;
                    }
                }
            }
            Console.WriteLine($"retargeting: {count} directions, at most {worst:0.0000} degrees from Python's ({where}), places {1000 * farthest:0.0000} mm");
            Assert.Less(worst, 0.5, where);
            Assert.Less(farthest, 0.01);
            Assert.Greater(count, 10000);
        }

        [Test]
        public void LimbsPointAsTheSourcesDo()
        {
            var skeleton = Fixtures.Skeleton();
            var rig = Fixtures.Rig("mixamo");
            var places = new Vector3[skeleton.Count];
            var turns = new Quaternion[skeleton.Count];
            foreach (var clip in Clips)
            {
                var packet = Fixtures.Clip(clip);
                var pose = new BodyPose(skeleton.Count);
                var frame = 0;
                foreach (var motion in Carried(rig, clip))
                {
                    pose.Read(packet, frame++);
                    skeleton.Forward(pose, places, turns);
                    var at = HumanPlaces.Places(rig, motion);
                    foreach (var (from, to, bone, end) in new[]
                    {
                        ("left_hip", "left_knee", HumanBone.LeftUpperLeg, HumanBone.LeftLowerLeg),
                        ("right_knee", "right_ankle", HumanBone.RightLowerLeg, HumanBone.RightFoot),
                        ("left_shoulder", "left_elbow", HumanBone.LeftUpperArm, HumanBone.LeftLowerArm),
                        ("right_elbow", "right_wrist", HumanBone.RightLowerArm, HumanBone.RightHand),
                    })
                    {
                        var angle = Angle(places[skeleton.Find(to)] - places[skeleton.Find(from)], at[(int)end] - at[(int)bone]);
                        Assert.Less(angle, 0.1, $"{clip} frame {frame} {bone}");
                    }
                }
            }
        }

        [Test]
        public void ARigThatFacesAnotherWayGoesTheSameWay()
        {
            var straight = Fixtures.Rig("unity");
            var turned = new HumanRig();
            foreach (var bone in Fixtures.Bones("unity")) turned.Put(bone, Vector3.Transform(straight.Rest(bone), Quaternion.CreateFromAxisAngle(Vector3.UnitY, 2.1f)));
            var one = new List<Vector3>();
            foreach (var motion in Carried(straight, "stroll")) one.Add(HumanPlaces.Places(straight, motion)[(int)HumanBone.LeftHand]);
            var frame = 0;
            foreach (var motion in Carried(turned, "stroll")) Assert.Less((HumanPlaces.Places(turned, motion)[(int)HumanBone.LeftHand] - one[frame++]).Length(), 0.002);
        }

        [Test]
        public void MirroringKeepsLeftLeftAndUndoesItself()
        {
            var random = new Random(3);
            for (var round = 0; round < 100; round++)
            {
                var q = Turn.Unit(new Quaternion(Next(random), Next(random), Next(random), Next(random)));
                var v = new Vector3(Next(random), Next(random), Next(random));
                Assert.Less((Axes.Mirror(Turn.Rotate(q, v)) - Turn.Rotate(Axes.Mirror(q), Axes.Mirror(v))).Length(), 1e-5);
                Assert.AreEqual(q, Axes.Mirror(Axes.Mirror(q)));
            }
            Assert.AreEqual(-1f, Axes.Mirror(Vector3.UnitX).X, "left is +X on the wire and -X in Unity");
        }

        [Test]
        public void HeldFeetStayWhereTheyStandAndGoOnSmoothly()
        {
            var rig = Fixtures.Rig("mixamo");
            double loose = 0, held = 0, highest = 0;
            foreach (var hold in new[] { false, true })
            {
                var feet = new FootLock(rig);
                var last = new Vector3[2];
                var frame = 0;
                foreach (var motion in Carried(rig, "stroll"))
                {
                    var free = HumanPlaces.Places(rig, motion);
                    var contacts = new Vector4(Low(rig, free, 0), 0, Low(rig, free, 1), 0);
                    if (hold) feet.Hold(motion, contacts, 1 / 30f);
                    var places = HumanPlaces.Places(rig, motion);
                    for (var side = 0; side < 2; side++)
                    {
                        var heel = places[(int)HumanBone.LeftFoot + side];
                        var rests = (side == 0 ? contacts.X : contacts.Z) > 0.5f;
                        var move = heel - last[side];
                        if (frame > 0 && rests && hold) held += Math.Sqrt(move.X * move.X + move.Z * move.Z);
                        if (frame > 0 && rests && !hold) loose += Math.Sqrt(move.X * move.X + move.Z * move.Z);
                        last[side] = heel;
                        if (hold) highest = Math.Max(highest, feet.Shift(side).Length());
                    }
                    frame++;
                }
            }
            Console.WriteLine($"feet: resting heels slide {100 * loose:0.0} cm loose and {100 * held:0.0} cm held, shifted {100 * highest:0.0} cm at most");
            Assert.Greater(loose, 0.05, "this clip slides");
            Assert.Less(held, 0.35 * loose);
            Assert.Less(highest, 0.12 * rig.LegLength + 1e-4);
        }

        [Test]
        public void ALimbReachesItsGoalAndKeepsItsBones()
        {
            var random = new Random(5);
            for (var round = 0; round < 300; round++)
            {
                var root = new Vector3(Next(random), Next(random), Next(random));
                var middle = root + Vector3.Normalize(new Vector3(Next(random), Next(random), Next(random))) * 0.4f;
                var end = middle + Vector3.Normalize(new Vector3(Next(random), Next(random), Next(random))) * 0.38f;
                if ((end - root).Length() < 0.15f || (end - root).Length() > 0.77f) continue; // where it is straight, the hinge decides the plane
                var goal = root + Vector3.Normalize(new Vector3(Next(random), Next(random), Next(random))) * (0.1f + 0.6f * (float)random.NextDouble());
                TwoBone.Reach(root, middle, end, goal, Vector3.UnitX, out var upper, out var lower);
                var knee = root + Turn.Rotate(upper, middle - root);
                var foot = knee + Turn.Rotate(lower, end - middle);
                Assert.Less((foot - goal).Length(), 2e-3, $"round {round}");
                Assert.AreEqual(0.4f, (knee - root).Length(), 1e-4);
                TwoBone.Reach(root, middle, end, end, Vector3.UnitX, out upper, out lower);
                Assert.Less(Turn.ToVector(upper).Length() + Turn.ToVector(lower).Length(), 0.02, "a goal at the end turns nothing");
            }
        }

        [Test]
        public void WhatCannotBeRetargetedIsSaidInASentence()
        {
            var none = new HumanRig();
            Assert.IsNull(Retargeter.Of(Fixtures.Skeleton(), none, out var problem));
            StringAssert.Contains("Hips", problem);
            var lying = new HumanRig();
            foreach (var bone in Fixtures.Bones("unity")) lying.Put(bone, Vector3.Transform(Fixtures.Rig("unity").Rest(bone), Quaternion.CreateFromAxisAngle(Vector3.UnitX, 1.5f)));
            Assert.IsNull(Retargeter.Of(Fixtures.Skeleton(), lying, out problem));
            StringAssert.Contains("T-pose", problem);
        }

        private static IEnumerable<HumanMotion> Carried(HumanRig rig, string clip)
        {
            var packet = Fixtures.Clip(clip);
            var skeleton = Fixtures.Skeleton();
            var retargeter = Retargeter.Of(skeleton, rig, out var problem);
            Assert.IsNull(problem);
            var pose = new BodyPose(skeleton.Count);
            var motion = new HumanMotion();
            for (var frame = 0; frame < packet.Count; frame++)
            {
                pose.Read(packet, frame);
                retargeter.Carry(pose, motion);
                yield return motion;
            }
        }

        private static float Low(HumanRig rig, Vector3[] places, int side) =>
            places[(int)HumanBone.LeftFoot + side].Y < rig.LegLength * 0.12f ? 1 : 0;

        private static float Next(Random random) => (float)(2 * random.NextDouble() - 1);

        private static double Angle(Vector3 a, Vector3 b) =>
            Math.Atan2(Vector3.Cross(a, b).Length(), Vector3.Dot(a, b)) * 180 / Math.PI;
    }
}
