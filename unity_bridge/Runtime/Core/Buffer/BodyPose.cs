using System;
using System.Numerics;
using Motus.Protocol;

namespace Motus
{
    /// <summary>One frame of a body, in the axes of the wire: metres, Y up, right-handed, facing +Z; rotations local to the parent.</summary>
    public sealed class BodyPose
    {
        /// <summary>Where the root is.</summary>
        public Vector3 Root;

        /// <summary>One for each joint.</summary>
        public readonly Quaternion[] Rotations;

        /// <summary>How surely left heel, left toe, right heel, right toe are on the ground, 0 to 1.</summary>
        public Vector4 Contacts;

        /// <summary>At rest.</summary>
        public BodyPose(int joints)
        {
            Rotations = new Quaternion[joints];
            Array.Fill(Rotations, Quaternion.Identity);
        }

        /// <summary>The same as another.</summary>
        public void Copy(BodyPose from)
        {
            Root = from.Root;
            Contacts = from.Contacts;
            Array.Copy(from.Rotations, Rotations, Rotations.Length);
        }

        /// <summary>One frame of a packet. What is no rotation is the identity.</summary>
        public void Read(FramePacket packet, int frame)
        {
            Root = new Vector3(packet.Root[3 * frame], packet.Root[3 * frame + 1], packet.Root[3 * frame + 2]);
            Contacts = new Vector4(
                packet.Contacts[4 * frame], packet.Contacts[4 * frame + 1], packet.Contacts[4 * frame + 2], packet.Contacts[4 * frame + 3]);
            var at = 4 * frame * packet.Joints;
            for (var joint = 0; joint < Rotations.Length; joint++, at += 4)
            {
                var numbers = packet.Rotations;
                Rotations[joint] = Turn.Unit(new Quaternion(numbers[at + 1], numbers[at + 2], numbers[at + 3], numbers[at]));
            }
        }

        /// <summary>Between two poses; beyond 0 to 1 it goes on.</summary>
        public void Blend(BodyPose a, BodyPose b, float t)
        {
            Root = Vector3.Lerp(a.Root, b.Root, t);
            Contacts = t < 0.5f ? a.Contacts : b.Contacts;
            for (var joint = 0; joint < Rotations.Length; joint++) Rotations[joint] = Turn.Slerp(a.Rotations[joint], b.Rotations[joint], t);
        }
    }
}
