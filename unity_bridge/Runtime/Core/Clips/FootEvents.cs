using System.Collections.Generic;

namespace Motus
{
    /// <summary>When feet come down in a clip.</summary>
    public static class FootEvents
    {
        /// <summary>(seconds, 0 left or 1 right) of each time a foot comes to the ground; feet that stand from the first frame on do not count.</summary>
        public static IEnumerable<(double Seconds, int Foot)> Of(MotionClip clip)
        {
            var steps = new FootSteps();
            for (var frame = 0; frame < clip.Count; frame++)
            {
                for (var foot = 0; foot < 2; foot++)
                {
                    if (steps.Lands(clip[frame].Contacts, foot, 1 / clip.Fps)) yield return (frame / clip.Fps, foot);
                }
            }
        }
    }
}
