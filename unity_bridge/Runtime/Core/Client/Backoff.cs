using System;

namespace Motus
{
    /// <summary>How long to wait before each try: twice as long each time, shortened at random so that not all come at once.</summary>
    internal sealed class Backoff
    {
        private const double First = 0.1, Most = 5.0;

        private readonly Random _random = new Random();
        private double _wait = First;

        /// <summary>The next wait, in seconds.</summary>
        public double Next()
        {
            var wait = _wait * (0.5 + 0.5 * _random.NextDouble());
            _wait = Math.Min(2 * _wait, Most);
            return wait;
        }

        /// <summary>It went well: the next wait is the shortest again.</summary>
        public void Reset() => _wait = First;
    }
}
