using System.Collections.Generic;
using System.Numerics;

namespace Motus
{
    /// <summary>When feet come down in a clip.</summary>
    public static class FootEvents
    {
        private const float Down = 0.6f, Up = 0.4f;

        /// <summary>(seconds, 0 left or 1 right) of each time a foot comes to the ground; feet that stand from the first frame on do not count.</summary>
        public static IEnumerable<(double Seconds, int Foot)> Of(MotionClip clip)
        {
            var stands = new bool[2];
            for (var frame = 0; frame < clip.Count; frame++)
            {
                for (var foot = 0; foot < 2; foot++)
                {
                    var before = stands[foot];
                    stands[foot] = Stands(clip[frame].Contacts, foot, before);
                    if (frame > 0 && stands[foot] && !before) yield return (frame / clip.Fps, foot);
                }
            }
        }

        /// <summary>Whether a foot stands, which it keeps doing until it is surely up.</summary>
        public static bool Stands(in Vector4 contacts, int foot, bool before)
        {
            var sure = foot == 0 ? System.Math.Max(contacts.X, contacts.Y) : System.Math.Max(contacts.Z, contacts.W);
            return sure > (before ? Up : Down);
        }
    }
}
