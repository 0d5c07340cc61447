namespace Motus
{
    /// <summary>What becomes of the way a motion goes.</summary>
    public enum MotusRootMotion
    {
        /// <summary>The character's transform goes and turns with it.</summary>
        Apply,

        /// <summary>The character stays where it is and faces as it faces.</summary>
        Ignore,

        /// <summary>A CharacterController on the character is moved, so that walls stop it.</summary>
        CharacterController,
    }
}
