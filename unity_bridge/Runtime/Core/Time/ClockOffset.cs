using System;

namespace Motus
{
    /// <summary>How far another clock is ahead of ours, by the best question and answer of the last minute, as NTP does.</summary>
    public sealed class ClockOffset
    {
        private const double MemorySeconds = 60; // clocks drift: some 50 millionths, 3 ms a minute
        private const double Rounding = 1e-6;

        private readonly double[] _at = new double[64];
        private readonly double[] _offset = new double[64];
        private readonly double[] _error = new double[64];
        private int _next;

        /// <summary>Whether anything is known.</summary>
        public bool Known { get; private set; }

        /// <summary>Seconds by which the other clock is ahead.</summary>
        public double Offset { get; private set; }

        /// <summary>By how much that may be wrong.</summary>
        public double Error { get; private set; } = double.PositiveInfinity;

        /// <summary>One more exchange: asked by our clock, received and answered by theirs, arrived by ours.</summary>
        public void Add(double asked, double received, double answered, double arrived)
        {
            var way = arrived - asked - (answered - received);
            if (way < -Rounding || answered < received) return;
            var slot = _next++ % _at.Length;
            _at[slot] = arrived;
            _offset[slot] = (received - asked + (answered - arrived)) / 2;
            _error[slot] = Math.Max(way, 0) / 2;
            Error = double.PositiveInfinity;
            for (var i = 0; i < Math.Min(_next, _at.Length); i++)
            {
                if (_at[i] < arrived - MemorySeconds || _error[i] >= Error) continue;
                Offset = _offset[i];
                Error = _error[i];
            }
            Known = true;
        }

        /// <summary>A time of the other clock by ours; unchanged while nothing is known.</summary>
        public double Ours(double theirs) => theirs - Offset;
    }
}
