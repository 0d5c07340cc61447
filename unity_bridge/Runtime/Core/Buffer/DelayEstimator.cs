using System;

namespace Motus
{
    /// <summary>How much later than the fastest messages come: the network's jitter over the last seconds, and the delay that covers it.
    ///
    /// A message is (the clock it bears, our clock when it came); the difference holds whatever the clocks' zeros differ by, the way itself
    /// and its jitter. The least difference is the way alone, so that no other knowledge of the clocks is needed.
    /// </summary>
    public sealed class DelayEstimator
    {
        private const int Most = 512;

        private readonly double[] _at = new double[Most];
        private readonly double[] _way = new double[Most];
        private readonly double[] _sorted = new double[Most];
        private readonly double _memory;
        private int _first, _count;

        /// <summary>Remember messages for so many seconds.</summary>
        public DelayEstimator(double memory) => _memory = memory;

        /// <summary>Whether anything is known.</summary>
        public bool Known => _count > 0;

        /// <summary>Our clock less the server's, for the fastest messages.</summary>
        public double Base => _sorted[0];

        /// <summary>One more message.</summary>
        public void Add(double clock, double arrived)
        {
            while (_count > 0 && (_count == Most || _at[_first] < arrived - _memory)) Forget();
            var slot = (_first + _count) % Most;
            _at[slot] = arrived;
            _way[slot] = arrived - clock;
            var place = Array.BinarySearch(_sorted, 0, _count, _way[slot]);
            if (place < 0) place = ~place;
            Array.Copy(_sorted, place, _sorted, place + 1, _count - place);
            _sorted[place] = _way[slot];
            _count++;
        }

        /// <summary>By how much messages are later than the fastest at most, for so large a share of them.</summary>
        public double Late(double share)
        {
            if (_count == 0) return 0;
            var place = share * (_count - 1);
            var low = (int)place;
            var high = Math.Min(low + 1, _count - 1);
            return _sorted[low] + (_sorted[high] - _sorted[low]) * (place - low) - _sorted[0];
        }

        /// <summary>Forget everything, as when the server's clock began anew.</summary>
        public void Clear() => _first = _count = 0;

        private void Forget()
        {
            var place = Array.BinarySearch(_sorted, 0, _count, _way[_first]);
            Array.Copy(_sorted, place + 1, _sorted, place, _count - place - 1);
            _first = (_first + 1) % Most;
            _count--;
        }
    }
}
