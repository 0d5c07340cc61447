namespace Motus
{
    /// <summary>What is said to a user of a sentence that lies far from what the bundle learned.</summary>
    public static class Hint
    {
        /// <summary>How familiar a sentence is at the least that earns none: the middle of the scale, below which it lies nearer to nothing
        /// that was learned than to something.</summary>
        public const double Far = 0.5;

        /// <summary>One sentence with the nearest things that the bundle can do, or null where there is nothing to say.</summary>
        public static string Of(double? familiar, string[] nearest)
        {
            if (!familiar.HasValue || familiar.Value >= Far) return null;
            const string said = "Far from what this bundle learned";
            return nearest == null || nearest.Length == 0 ? said : $"{said}; nearest: {string.Join(", ", nearest)}";
        }
    }
}
