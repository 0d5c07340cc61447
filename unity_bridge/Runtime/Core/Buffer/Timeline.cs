using System;
using Motus.Protocol;

namespace Motus
{
    /// <summary>The frames that have come, in the order of their times; each is there once, and the oldest make room.</summary>
    internal sealed class Timeline
    {
        private readonly BodyPose[] _poses;
        private readonly double[] _times;
        private readonly long[] _index;
        private int _count;

        /// <summary>Room for so many frames of so many joints.</summary>
        public Timeline(int most, int joints)
        {
            _poses = new BodyPose[most];
            for (var slot = 0; slot < most; slot++) _poses[slot] = new BodyPose(joints);
            _times = new double[most];
            _index = new long[most];
        }

        public int Count => _count;

        public double Oldest => _times[0];

        public double Newest => _times[_count - 1];

        public long NewestIndex => _index[_count - 1];

        public BodyPose this[int slot] => _poses[slot];

        public double Time(int slot) => _times[slot];

        /// <summary>Put one frame of a packet in its place; false where it is there already, or too old.</summary>
        public bool Add(FramePacket packet, int frame, double time)
        {
            var index = packet.First + frame;
            var slot = _count;
            while (slot > 0 && _index[slot - 1] > index) slot--;
            if (slot > 0 && _index[slot - 1] == index) return false;
            if (_count == _times.Length)
            {
                if (slot == 0) return false;
                RemoveFirst(1);
                slot--;
            }
            var spare = _poses[_count];
            Array.Copy(_poses, slot, _poses, slot + 1, _count - slot);
            Array.Copy(_times, slot, _times, slot + 1, _count - slot);
            Array.Copy(_index, slot, _index, slot + 1, _count - slot);
            _poses[slot] = spare;
            _times[slot] = time;
            _index[slot] = index;
            spare.Read(packet, frame);
            _count++;
            return true;
        }

        /// <summary>The last frame that is not after a time; -1 where all are.</summary>
        public int Before(double time)
        {
            var slot = _count - 1;
            while (slot >= 0 && _times[slot] > time) slot--;
            return slot;
        }

        /// <summary>Forget frames that are older than a time, but for two, which interpolation looks back to.</summary>
        public void Forget(double time)
        {
            var past = Before(time);
            if (past > 2) RemoveFirst(past - 2);
        }

        /// <summary>Forget everything.</summary>
        public void Clear() => _count = 0;

        private void RemoveFirst(int many)
        {
            Array.Reverse(_poses, 0, many);
            Array.Reverse(_poses, many, _count - many);
            Array.Reverse(_poses, 0, _count);
            Array.Copy(_times, many, _times, 0, _count - many);
            Array.Copy(_index, many, _index, 0, _count - many);
            _count -= many;
        }
    }
}
