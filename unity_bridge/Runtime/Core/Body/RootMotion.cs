using System;
using System.Numerics;

namespace Motus
{
    /// <summary>Where a body stands and which way it faces, taken apart from what it does there. In the axes of the wire.</summary>
    public readonly struct RootMotion
    {
        /// <summary>On the ground below the hips.</summary>
        public readonly Vector3 Ground;

        /// <summary>About Y; 0 is +Z.</summary>
        public readonly float Heading;

        private RootMotion(Vector3 ground, float heading)
        {
            Ground = ground;
            Heading = heading;
        }

        /// <summary>Of one frame; where the hips face straight up or down, the heading is the one before.</summary>
        public static RootMotion Of(HumanMotion motion, float before)
        {
            var ahead = Turn.Rotate(motion[HumanBone.Hips], Vector3.UnitZ);
            var flat = MathF.Sqrt(ahead.X * ahead.X + ahead.Z * ahead.Z);
            return new RootMotion(new Vector3(motion.Hips.X, 0, motion.Hips.Z), flat > 0.2f ? MathF.Atan2(ahead.X, ahead.Z) : before);
        }

        /// <summary>The heading as a rotation.</summary>
        public Quaternion Facing => Turn.About(Vector3.UnitY, Heading);

        /// <summary>A place of the world, seen from the root.</summary>
        public Vector3 Local(in Vector3 place) => Turn.Rotate(Turn.Inv(Facing), place - Ground);

        /// <summary>A turn in the world, seen from the root.</summary>
        public Quaternion Local(in Quaternion turn) => Turn.Mul(Turn.Inv(Facing), turn);
    }
}
