using System;
using System.IO;
using System.Numerics;
using System.Reflection;
using Motus.Protocol;

namespace Motus.Tests
{
    /// <summary>Clips, rigs, and where Python puts the bones of one in the other: written by tests/unity/fixtures.py.</summary>
    internal static class Fixtures
    {
        private static readonly string Folder =
            Path.Combine(Path.GetDirectoryName(new Uri(Assembly.GetExecutingAssembly().CodeBase).LocalPath) ?? ".", "fixtures");

        /// <summary>smplx22.</summary>
        public static Skeleton Skeleton() => Motus.Skeleton.Of((Scene)Read("skeleton"));

        /// <summary>A clip, as one packet.</summary>
        public static FramePacket Clip(string name)
        {
            var packet = new FramePacket();
            var fault = new FramesReader().Read(Parts.Of(Golden.Read(Path.Combine(Folder, $"clip-{name}.bin"))), packet);
            return fault == null ? packet : throw new InvalidDataException(fault);
        }

        /// <summary>A Humanoid.</summary>
        public static HumanRig Rig(string name)
        {
            var scene = (Scene)Read($"rig-{name}");
            var rig = new HumanRig();
            for (var i = 0; i < scene.Joints.Length; i++) rig.Put(Bone(scene, i), Vector(scene.Offsets.Data, i));
            return rig;
        }

        /// <summary>The bones of a rig in the order of `Places`.</summary>
        public static HumanBone[] Bones(string name)
        {
            var scene = (Scene)Read($"rig-{name}");
            var bones = new HumanBone[scene.Joints.Length];
            for (var i = 0; i < bones.Length; i++) bones[i] = Bone(scene, i);
            return bones;
        }

        /// <summary>Where Python puts the bones of a rig: frame after frame.</summary>
        public static Vector3[] Places(string rig, string clip)
        {
            var bytes = File.ReadAllBytes(Path.Combine(Folder, $"places-{rig}-{clip}.bin"));
            var numbers = new float[bytes.Length / 4];
            Buffer.BlockCopy(bytes, 0, numbers, 0, bytes.Length);
            var places = new Vector3[numbers.Length / 3];
            for (var i = 0; i < places.Length; i++) places[i] = Vector(numbers, i);
            return places;
        }

        /// <summary>One frame of a packet as a packet of its own.</summary>
        public static FramePacket Frame(FramePacket clip, int frame, double clock, double arrived)
        {
            var one = new FramePacket { First = frame, Sequence = frame, Fps = clip.Fps, Clock = clock, Arrived = arrived };
            one.Size(1, clip.Joints);
            var from = frame % clip.Count;
            Array.Copy(clip.Root, 3 * from, one.Root, 0, 3);
            Array.Copy(clip.Rotations, 4 * clip.Joints * from, one.Rotations, 0, 4 * clip.Joints);
            Array.Copy(clip.Contacts, 4 * from, one.Contacts, 0, 4);
            return one;
        }

        private static HumanBone Bone(Scene scene, int joint) => (HumanBone)Enum.Parse(typeof(HumanBone), scene.Joints[joint]);

        private static Vector3 Vector(float[] numbers, int at) => new Vector3(numbers[3 * at], numbers[3 * at + 1], numbers[3 * at + 2]);

        private static Message Read(string name)
        {
            var message = Wire.Unpack(Parts.Of(Golden.Read(Path.Combine(Folder, name + ".bin"))), out var fault);
            return fault == null ? message : throw new InvalidDataException(fault);
        }
    }
}
