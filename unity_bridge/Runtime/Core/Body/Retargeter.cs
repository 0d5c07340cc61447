using System;
using System.Collections.Generic;
using System.Numerics;

namespace Motus
{
    /// <summary>Motion of `smplx22` onto a Humanoid, frame by frame and without garbage, as motion/retargeting/transfer.py does it.
    ///
    /// Each bone turns as the joint of its role does, through a constant that says how their rest poses differ; then the trunk is swung until
    /// hips and neck stand as the source's do, and each limb until it points as the source's. The hips go where the source's go, at the
    /// Humanoid's size.
    /// </summary>
    public sealed class Retargeter
    {
        private const int Aims = 3; // rounds of swinging the trunk; the neck is then within 0.1 degrees of where it should be

        private static readonly (int Role, HumanBone Bone)[] Sided =
        {
            (Smplx22.Hip, HumanBone.LeftUpperLeg), (Smplx22.Knee, HumanBone.LeftLowerLeg), (Smplx22.Ankle, HumanBone.LeftFoot),
            (Smplx22.Foot, HumanBone.LeftToes), (Smplx22.Collar, HumanBone.LeftShoulder), (Smplx22.Shoulder, HumanBone.LeftUpperArm),
            (Smplx22.Elbow, HumanBone.LeftLowerArm), (Smplx22.Wrist, HumanBone.LeftHand),
        };

        private static readonly (int From, int To, HumanBone Bone, HumanBone End)[] Limbs =
        {
            (Smplx22.Hip, Smplx22.Knee, HumanBone.LeftUpperLeg, HumanBone.LeftLowerLeg),
            (Smplx22.Knee, Smplx22.Ankle, HumanBone.LeftLowerLeg, HumanBone.LeftFoot),
            (Smplx22.Shoulder, Smplx22.Elbow, HumanBone.LeftUpperArm, HumanBone.LeftLowerArm),
            (Smplx22.Elbow, Smplx22.Wrist, HumanBone.LeftLowerArm, HumanBone.LeftHand),
        };

        private readonly Skeleton _skeleton;
        private readonly int[] _joints;
        private readonly Vector3[] _places;
        private readonly Quaternion[] _turns;
        private readonly Quaternion[] _axes = new Quaternion[HumanRig.Bones];
        private readonly HumanBone[] _spine;
        private readonly Vector3[] _spineVectors;
        private readonly Vector3 _lift, _middle;
        private readonly HumanBone _trunkEnd;

        private Retargeter(Skeleton skeleton, int[] joints, HumanRig rig)
        {
            _skeleton = skeleton;
            _joints = joints;
            Rig = rig;
            _places = new Vector3[skeleton.Count];
            _turns = new Quaternion[skeleton.Count];
            var rest = new BodyPose(skeleton.Count);
            skeleton.Forward(rest, _places, _turns);
            Scale = rig.LegLength / SourceLeg();
            Align();
            _trunkEnd = rig.Has(HumanBone.Neck) ? HumanBone.Neck : HumanBone.Head;
            _spine = Spine(rig);
            _spineVectors = new Vector3[_spine.Length];
            for (var link = 0; link < _spine.Length; link++)
            {
                _spineVectors[link] = rig.Between(_spine[link], link + 1 < _spine.Length ? _spine[link + 1] : _trunkEnd);
            }
            _middle = rig.MiddleOfHips - rig.Rest(HumanBone.Hips);
            _lift = rig.Between(HumanBone.Hips, _spine[0]) - _middle;
        }

        /// <summary>The Humanoid's size over the source's, by the lengths of their legs.</summary>
        public float Scale { get; }

        /// <summary>The Humanoid.</summary>
        public HumanRig Rig { get; }

        /// <summary>From a skeleton to a Humanoid; null and a sentence where that cannot be.</summary>
        public static Retargeter Of(Skeleton skeleton, HumanRig rig, out string problem)
        {
            var joints = Smplx22.Find(skeleton);
            problem = joints == null ? $"the session's skeleton is '{skeleton.Name}' and not smplx22; open it without a rig" : rig.Problem();
            return problem == null ? new Retargeter(skeleton, joints, rig) : null;
        }

        /// <summary>One frame.</summary>
        public void Carry(BodyPose pose, HumanMotion into)
        {
            _skeleton.Forward(pose, _places, _turns);
            Put(into, HumanBone.Hips, Turned(Smplx22.Pelvis));
            for (var link = 0; link < _spine.Length; link++) Put(into, _spine[link], Bend((link + 1f) / _spine.Length));
            AimTrunk(into);
            Put(into, HumanBone.Head, Turned(Smplx22.Head));
            if (Rig.Has(HumanBone.Neck)) Put(into, HumanBone.Neck, Turned(Smplx22.Neck));
            for (var side = 0; side < 2; side++)
            {
                foreach (var (role, bone) in Sided)
                {
                    if (Rig.Has(bone + side)) Put(into, bone + side, Turned(role + side));
                }
                foreach (var (from, to, bone, end) in Limbs)
                {
                    var now = Turn.Rotate(into[bone + side], Rig.Between(bone + side, end + side));
                    into[bone + side] = Turn.Mul(Turn.Between(now, Place(to + side) - Place(from + side)), into[bone + side]);
                }
            }
            var middle = (Place(Smplx22.Hip) + Place(Smplx22.Hip + 1)) / 2;
            into.Hips = middle * Scale - Turn.Rotate(into[HumanBone.Hips], _middle);
        }

        /// <summary>The joints of the spine that a Humanoid has, from the lowest to the chest.</summary>
        private static HumanBone[] Spine(HumanRig rig)
        {
            var spine = new List<HumanBone> { HumanBone.Spine };
            if (rig.Has(HumanBone.Chest)) spine.Add(HumanBone.Chest);
            if (rig.Has(HumanBone.UpperChest)) spine.Add(HumanBone.UpperChest);
            return spine.ToArray();
        }

        /// <summary>How the bones' rest pose stands to the source's: its limbs are turned until each points as there.</summary>
        private void Align()
        {
            var left = Rig.Between(HumanBone.RightUpperLeg, HumanBone.LeftUpperLeg);
            var heading = Turn.About(Vector3.UnitY, MathF.Atan2(-left.Z, left.X)); // it may not face +Z
            Array.Fill(_axes, Turn.Inv(heading));
            for (var side = 0; side < 2; side++)
            {
                foreach (var (from, to, bone, end) in Limbs) Align(bone + side, end + side, from + side, to + side, heading, false);
                Align(HumanBone.LeftShoulder + side, HumanBone.LeftUpperArm + side, Smplx22.Collar + side, Smplx22.Shoulder + side, heading, false);
                Align(HumanBone.LeftFoot + side, HumanBone.LeftToes + side, Smplx22.Ankle + side, Smplx22.Foot + side, heading, true);
                _axes[(int)HumanBone.LeftHand + side] = _axes[(int)HumanBone.LeftLowerArm + side];
                _axes[(int)HumanBone.LeftToes + side] = _axes[(int)HumanBone.LeftFoot + side];
            }
        }

        /// <summary>Of one bone; of feet the yaw alone, for the heights of ankles and toes differ between rigs.</summary>
        private void Align(HumanBone bone, HumanBone end, int from, int to, in Quaternion heading, bool flat)
        {
            if (!Rig.Has(bone) || !Rig.Has(end)) return;
            var ours = Turn.Rotate(heading, Place(to) - Place(from));
            var theirs = Rig.Between(bone, end);
            if (flat)
            {
                var length = theirs.Length();
                ours.Y = theirs.Y = 0;
                if (theirs.Length() < 0.1f * length) return;
            }
            _axes[(int)bone] = Turn.Inv(Turn.Mul(Turn.Between(ours, theirs), heading));
        }

        /// <summary>The turn of the trunk at a fraction of the way from the pelvis to the chest.</summary>
        private Quaternion Bend(float fraction)
        {
            var at = fraction * 3;
            var low = Math.Min((int)at, 2);
            return Turn.Slerp(Turned(Smplx22.Pelvis + low), Turned(Smplx22.Pelvis + low + 1), at - low);
        }

        /// <summary>Swing the spine in place until the line from the hips to the neck points as the source's.</summary>
        private void AimTrunk(HumanMotion into)
        {
            var middle = (Place(Smplx22.Hip) + Place(Smplx22.Hip + 1)) / 2;
            var direction = Vector3.Normalize(Place(Smplx22.Neck) - middle);
            var lift = Turn.Rotate(into[HumanBone.Hips], _lift);
            for (var round = 0; round < Aims; round++)
            {
                var trunk = Vector3.Zero;
                for (var link = 0; link < _spine.Length; link++) trunk += Turn.Rotate(into[_spine[link]], _spineVectors[link]);
                var swing = Turn.Between(trunk, direction * (lift + trunk).Length() - lift);
                foreach (var bone in _spine) into[bone] = Turn.Mul(swing, into[bone]);
            }
        }

        private void Put(HumanMotion into, HumanBone bone, in Quaternion turn) => into[bone] = Turn.Mul(turn, _axes[(int)bone]);

        private Quaternion Turned(int role) => _turns[_joints[role]];

        private Vector3 Place(int role) => _places[_joints[role]];

        private float SourceLeg()
        {
            var length = 0f;
            for (var side = 0; side < 2; side++)
            {
                length += (Place(Smplx22.Knee + side) - Place(Smplx22.Hip + side)).Length();
                length += (Place(Smplx22.Ankle + side) - Place(Smplx22.Knee + side)).Length();
            }
            return length / 2;
        }
    }
}
