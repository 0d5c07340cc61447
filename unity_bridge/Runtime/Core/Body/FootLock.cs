using System;
using System.Numerics;

namespace Motus
{
    /// <summary>Feet that stay where they stand: what a resting heel or toe slides is taken back by the leg, and let go while the foot swings.</summary>
    public sealed class FootLock
    {
        private const float Rests = 0.5f; // a point rests when it is surer than this
        private const float ReleaseSeconds = 0.12f;
        private const float Limit = 0.12f; // of the legs' length: how far a foot is held back at most

        private readonly HumanRig _rig;
        private readonly float _limit;
        private readonly Vector3[] _heel = new Vector3[2], _toe = new Vector3[2], _shift = new Vector3[2];
        private bool _begun;

        /// <summary>For a Humanoid.</summary>
        public FootLock(HumanRig rig)
        {
            _rig = rig;
            _limit = Limit * rig.LegLength;
        }

        /// <summary>Forget where feet stood, as after a jump.</summary>
        public void Reset()
        {
            _begun = false;
            _shift[0] = _shift[1] = Vector3.Zero;
        }

        /// <summary>Hold the feet of one frame; contacts are left heel, left toe, right heel, right toe.</summary>
        public void Hold(HumanMotion motion, in Vector4 contacts, float dt)
        {
            Hold(motion, 0, contacts.X, contacts.Y, dt);
            Hold(motion, 1, contacts.Z, contacts.W, dt);
            _begun = true;
        }

        /// <summary>By how much a foot is shifted now: 0 left, 1 right.</summary>
        public Vector3 Shift(int side) => _shift[side];

        private void Hold(HumanMotion motion, int side, float heel, float toe, float dt)
        {
            HumanBone upper = HumanBone.LeftUpperLeg + side, lower = HumanBone.LeftLowerLeg + side, foot = HumanBone.LeftFoot + side;
            var hip = motion.Hips + Turn.Rotate(motion[HumanBone.Hips], _rig.Between(HumanBone.Hips, upper));
            var knee = hip + Turn.Rotate(motion[upper], _rig.Between(upper, lower));
            var ankle = knee + Turn.Rotate(motion[lower], _rig.Between(lower, foot));
            var tip = _rig.Has(HumanBone.LeftToes + side) ? ankle + Turn.Rotate(motion[foot], _rig.Between(foot, HumanBone.LeftToes + side)) : ankle;
            if (_begun) Follow(side, ankle - _heel[side], tip - _toe[side], heel, toe, dt);
            _heel[side] = ankle;
            _toe[side] = tip;
            if (_shift[side].LengthSquared() < 1e-12f) return;
            var hinge = Turn.Rotate(motion[upper], Vector3.UnitX);
            TwoBone.Reach(hip, knee, ankle, ankle + _shift[side], hinge, out var first, out var second);
            motion[upper] = Turn.Mul(first, motion[upper]);
            motion[lower] = Turn.Mul(second, motion[lower]);
        }

        private void Follow(int side, Vector3 heelMove, Vector3 toeMove, float heel, float toe, float dt)
        {
            heel = heel > Rests ? heel : 0;
            toe = toe > Rests ? toe : 0;
            var sure = heel + toe;
            if (sure > 0)
            {
                var slide = (heelMove * heel + toeMove * toe) / sure;
                _shift[side] -= new Vector3(slide.X, 0, slide.Z);
            }
            else
            {
                _shift[side] *= MathF.Exp(-dt / ReleaseSeconds);
            }
            var far = _shift[side].Length();
            if (far > _limit) _shift[side] *= _limit / far;
        }
    }
}
