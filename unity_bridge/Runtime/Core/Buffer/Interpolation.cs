using System;
using System.Numerics;

namespace Motus
{
    /// <summary>A pose at any time out of frames at some: slerp for rotations, Hermite for the root, carried on for a moment after the last.</summary>
    internal static class Interpolation
    {
        /// <summary>The pose at a time that is within the frames.</summary>
        public static void Within(Timeline frames, double time, BodyPose into)
        {
            var slot = frames.Before(time);
            if (slot < 0 || slot == frames.Count - 1)
            {
                into.Copy(frames[Math.Max(slot, 0)]);
                return;
            }
            var span = frames.Time(slot + 1) - frames.Time(slot);
            var t = (float)((time - frames.Time(slot)) / span);
            into.Blend(frames[slot], frames[slot + 1], t);
            into.Root = Hermite(frames, slot, t, (float)span);
        }

        /// <summary>The pose `late` seconds after the last frame: its motion dies away, at most as far as it went in `reach` seconds.</summary>
        public static void Beyond(Timeline frames, double late, double reach, BodyPose into)
        {
            var last = frames.Count - 1;
            var span = last > 0 ? frames.Time(last) - frames.Time(last - 1) : 0;
            if (span <= 0 || span > 0.5 || reach <= 0)
            {
                into.Copy(frames[last]);
                return;
            }
            var far = reach / 2 * (1 - Math.Exp(-2 * late / reach));
            into.Blend(frames[last - 1], frames[last], 1 + (float)(far / span));
        }

        /// <summary>Catmull and Rom's tangents, for frames that may lie unevenly.</summary>
        private static Vector3 Hermite(Timeline frames, int slot, float t, float span)
        {
            Vector3 a = frames[slot].Root, b = frames[slot + 1].Root;
            var start = Slope(frames, slot) * span;
            var end = Slope(frames, slot + 1) * span;
            float square = t * t, cube = square * t;
            return (2 * cube - 3 * square + 1) * a + (cube - 2 * square + t) * start + (3 * square - 2 * cube) * b + (cube - square) * end;
        }

        private static Vector3 Slope(Timeline frames, int slot)
        {
            int before = Math.Max(slot - 1, 0), after = Math.Min(slot + 1, frames.Count - 1);
            var span = frames.Time(after) - frames.Time(before);
            return span > 0 ? (frames[after].Root - frames[before].Root) / (float)span : Vector3.Zero;
        }
    }
}
