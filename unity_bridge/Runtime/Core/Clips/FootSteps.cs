using System;
using System.Numerics;

namespace Motus
{
    /// <summary>Which feet come down, as a motion goes on. A foot that rolls from heel to toe comes down once.</summary>
    public sealed class FootSteps
    {
        private const float Down = 0.6f, Up = 0.4f;

        // In 27 walks and runs of CMU, feet that only rolled were off the ground for 0.07 s at most, feet that stepped for 0.4 s at least.
        private const double Aloft = 0.12;

        private readonly bool[] _known = new bool[2], _stands = new bool[2];
        private readonly double[] _aloft = { double.PositiveInfinity, double.PositiveInfinity };

        /// <summary>Whether a foot (0 left, 1 right) has come to the ground, so many seconds after it was last looked at. One that stands from the first look on has not.</summary>
        public bool Lands(in Vector4 contacts, int foot, double seconds)
        {
            var sure = foot == 0 ? Math.Max(contacts.X, contacts.Y) : Math.Max(contacts.Z, contacts.W);
            var before = _stands[foot];
            var stands = sure > (before ? Up : Down);
            var lands = _known[foot] && stands && !before && _aloft[foot] > Aloft;
            _known[foot] = true;
            _stands[foot] = stands;
            _aloft[foot] = stands ? 0 : _aloft[foot] + seconds;
            return lands;
        }
    }
}
