namespace Motus
{
    /// <summary>The joints that `smplx22` must have to be retargeted, in an order of our own.</summary>
    internal static class Smplx22
    {
        public const int Pelvis = 0, Spine1 = 1, Spine2 = 2, Spine3 = 3, Neck = 4, Head = 5;

        /// <summary>Of the left side; the right side's are one more.</summary>
        public const int Hip = 6, Knee = 8, Ankle = 10, Foot = 12, Collar = 14, Shoulder = 16, Elbow = 18, Wrist = 20;

        /// <summary>Their names on the wire.</summary>
        public static readonly string[] Names =
        {
            "pelvis", "spine1", "spine2", "spine3", "neck", "head",
            "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot",
            "left_collar", "right_collar", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
        };

        /// <summary>Where each is in a skeleton; null where one is missing.</summary>
        public static int[] Find(Skeleton skeleton)
        {
            var found = new int[Names.Length];
            for (var role = 0; role < Names.Length; role++)
            {
                found[role] = skeleton.Find(Names[role]);
                if (found[role] < 0) return null;
            }
            return found;
        }
    }
}
