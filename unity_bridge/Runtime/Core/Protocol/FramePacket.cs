using System;

namespace Motus.Protocol
{
    /// <summary>One `frames` message, in memory that is used again: what travels each frame makes no garbage.</summary>
    public sealed class FramePacket
    {
        /// <summary>The request, live session or published name it belongs to, as bytes.</summary>
        public readonly byte[] Id = new byte[64];

        /// <summary>How many of them count.</summary>
        public int IdLength;

        /// <summary>Counts messages of one body from 0.</summary>
        public long Sequence;

        /// <summary>Index of its first frame.</summary>
        public long First;

        /// <summary>Frames a second.</summary>
        public double Fps;

        /// <summary>When the first frame is due, by the server's clock.</summary>
        public double Clock;

        /// <summary>When it came, by ours.</summary>
        public double Arrived;

        /// <summary>Which of the motions.</summary>
        public int Variation;

        /// <summary>Which of the bodies.</summary>
        public int Agent;

        /// <summary>Frames that were dropped right before these.</summary>
        public long Lost;

        /// <summary>Frames in it.</summary>
        public int Count;

        /// <summary>Joints of each.</summary>
        public int Joints;

        /// <summary>Positions of the root, Count x 3.</summary>
        public float[] Root = Array.Empty<float>();

        /// <summary>Local rotations w x y z, Count x Joints x 4.</summary>
        public float[] Rotations = Array.Empty<float>();

        /// <summary>Feet on the ground, Count x 4.</summary>
        public float[] Contacts = Array.Empty<float>();

        /// <summary>Whether it belongs to this id, as bytes.</summary>
        public bool Is(byte[] id) => new Slice(Id, 0, IdLength).Is(id, id.Length);

        /// <summary>Make room; the arrays only grow.</summary>
        public void Size(int count, int joints)
        {
            Count = count;
            Joints = joints;
            if (Root.Length < count * 3) Root = new float[count * 3];
            if (Rotations.Length < count * joints * 4) Rotations = new float[count * joints * 4];
            if (Contacts.Length < count * 4) Contacts = new float[count * 4];
        }
    }
}
