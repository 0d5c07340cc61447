using System;

namespace Motus
{
    /// <summary>Parts of a body that motion may be let onto; the others do what the Animator does.</summary>
    [Flags]
    public enum MotusParts
    {
        /// <summary>Place and turn of the hips.</summary>
        Hips = 1,

        /// <summary>Spine, chest and shoulders.</summary>
        Trunk = 2,

        /// <summary>Neck and head.</summary>
        Head = 4,

        /// <summary>From the upper arm on.</summary>
        LeftArm = 8,

        /// <summary>From the upper arm on.</summary>
        RightArm = 16,

        /// <summary>From the thigh on.</summary>
        LeftLeg = 32,

        /// <summary>From the thigh on.</summary>
        RightLeg = 64,

        /// <summary>Everything.</summary>
        All = 127,
    }
}
