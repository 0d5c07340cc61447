using System;
using System.Numerics;
using Motus.Protocol;

namespace Motus
{
    /// <summary>A joint tree with its rest pose, where all local rotations are the identity. Parents stand before children.</summary>
    public sealed class Skeleton
    {
        private readonly string[] _joints;
        private readonly int[] _parents;
        private readonly Vector3[] _offsets;

        private Skeleton(string name, string[] joints, long[] parents, Floats offsets)
        {
            Name = name;
            _joints = joints;
            _parents = Array.ConvertAll(parents, parent => (int)parent);
            _offsets = new Vector3[joints.Length];
            for (var joint = 0; joint < joints.Length; joint++)
            {
                _offsets[joint] = new Vector3(offsets.Data[3 * joint], offsets.Data[3 * joint + 1], offsets.Data[3 * joint + 2]);
            }
        }

        /// <summary>What it is called.</summary>
        public string Name { get; }

        /// <summary>How many joints.</summary>
        public int Count => _joints.Length;

        /// <summary>The skeleton that a server speaks of; null where parents do not stand before their children.</summary>
        public static Skeleton Of(Welcome welcome) => Of(welcome.Skeleton, welcome.Joints, welcome.Parents, welcome.Offsets);

        /// <summary>The skeleton of a published session.</summary>
        public static Skeleton Of(Scene scene) => Of(scene.Skeleton, scene.Joints, scene.Parents, scene.Offsets);

        /// <summary>The name of a joint.</summary>
        public string Joint(int joint) => _joints[joint];

        /// <summary>The parent of a joint, -1 for the root.</summary>
        public int Parent(int joint) => _parents[joint];

        /// <summary>Where a joint is from its parent, at rest.</summary>
        public Vector3 Offset(int joint) => _offsets[joint];

        /// <summary>Which joint is called so; -1: none.</summary>
        public int Find(string joint) => Array.IndexOf(_joints, joint);

        /// <summary>Places and world rotations of all joints in a pose.</summary>
        public void Forward(BodyPose pose, Vector3[] places, Quaternion[] turns)
        {
            places[0] = pose.Root;
            turns[0] = pose.Rotations[0];
            for (var joint = 1; joint < _parents.Length; joint++)
            {
                var parent = _parents[joint];
                places[joint] = places[parent] + Turn.Rotate(turns[parent], _offsets[joint]);
                turns[joint] = Turn.Mul(turns[parent], pose.Rotations[joint]);
            }
        }

        private static Skeleton Of(string name, string[] joints, long[] parents, Floats offsets)
        {
            for (var joint = 0; joint < parents.Length; joint++)
            {
                if (parents[joint] >= joint || parents[joint] < (joint == 0 ? -1 : 0)) return null;
            }
            return joints.Length == 0 ? null : new Skeleton(name, joints, parents, offsets);
        }
    }
}
