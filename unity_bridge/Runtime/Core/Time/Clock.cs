using System.Diagnostics;

namespace Motus
{
    /// <summary>Our own clock: seconds with no known zero that only go up.</summary>
    public static class Clock
    {
        /// <summary>Now.</summary>
        public static double Now => Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
    }
}
