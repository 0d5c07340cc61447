using System;
using System.Numerics;

namespace Motus
{
    /// <summary>Takes the jump out of a jump: what was shown differs from what is to be shown by an offset, which then fades away smoothly.</summary>
    internal sealed class Inertia
    {
        private readonly Vector3[] _offset;
        private readonly Vector3[] _speed;
        private readonly float _decay;
        private Vector3 _root, _rootSpeed;
        private float _age = float.PositiveInfinity;

        /// <summary>For so many joints; an offset is all but gone after `seconds`.</summary>
        public Inertia(int joints, double seconds)
        {
            _offset = new Vector3[joints];
            _speed = new Vector3[joints];
            _decay = (float)(6 / seconds);
        }

        /// <summary>From now on start at `shown`, which moves as from `before` over `dt`, and go over to what comes after `next`.</summary>
        public void Begin(BodyPose before, BodyPose shown, BodyPose next, float dt)
        {
            var rate = dt > 1e-4f ? 1 / dt : 0;
            _root = shown.Root - next.Root;
            _rootSpeed = (shown.Root - before.Root) * rate;
            for (var joint = 0; joint < _offset.Length; joint++)
            {
                _offset[joint] = Turn.ToVector(Turn.Mul(shown.Rotations[joint], Turn.Inv(next.Rotations[joint])));
                _speed[joint] = Turn.ToVector(Turn.Mul(shown.Rotations[joint], Turn.Inv(before.Rotations[joint]))) * rate;
            }
            _age = 0;
        }

        /// <summary>The same, of a motion that goes on: its own speed is `nextSpeed` of the pose after a step.</summary>
        public void Subtract(BodyPose next, BodyPose after, float dt)
        {
            var rate = dt > 1e-4f ? 1 / dt : 0;
            _rootSpeed -= (after.Root - next.Root) * rate;
            for (var joint = 0; joint < _offset.Length; joint++)
            {
                _speed[joint] -= Turn.ToVector(Turn.Mul(after.Rotations[joint], Turn.Inv(next.Rotations[joint]))) * rate;
            }
        }

        /// <summary>What is left of the offset after another step, on top of a pose.</summary>
        public void Apply(BodyPose pose, float dt)
        {
            if (_age > 20 / _decay) return;
            _age += dt;
            // A critically damped spring: x(t) = (x0 + (v0 + k x0) t) e^(-k t).
            float fade = MathF.Exp(-_decay * _age), slope = _age * fade, keep = fade + _decay * slope;
            pose.Root += _root * keep + _rootSpeed * slope;
            for (var joint = 0; joint < _offset.Length; joint++)
            {
                var turn = Turn.FromVector(_offset[joint] * keep + _speed[joint] * slope);
                pose.Rotations[joint] = Turn.Unit(Turn.Mul(turn, pose.Rotations[joint]));
            }
        }
    }
}
