using System;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>How far another clock is ahead: exact on an even way, within its own bound on any way.</summary>
    [TestFixture]
    public sealed class ClockOffsetTests
    {
        [Test]
        public void AnEvenWayGivesTheOffsetItself()
        {
            var clock = new ClockOffset();
            clock.Add(10, 110.2, 110.3, 10.5);
            Assert.IsTrue(clock.Known);
            Assert.AreEqual(100, clock.Offset, 1e-9);
            Assert.AreEqual(5, clock.Ours(105), 1e-9);
        }

        [Test]
        public void AnyWayGivesItWithinItsBoundAndTheBestExchangeIsBelieved()
        {
            var random = new Random(2);
            var clock = new ClockOffset();
            for (var i = 0; i < 500; i++)
            {
                double to = 0.01 + 0.2 * random.NextDouble(), back = 0.01 + 0.2 * random.NextDouble(), asked = i;
                clock.Add(asked, asked + to - 7, asked + to - 7 + 0.001, asked + to + 0.001 + back);
                Assert.LessOrEqual(Math.Abs(clock.Offset + 7), clock.Error + 1e-9);
            }
            Assert.Less(clock.Error, 0.06);
        }

        [Test]
        public void AnAnswerBeforeItsQuestionCountsForNothing()
        {
            var clock = new ClockOffset();
            clock.Add(10, 5, 4, 11);
            clock.Add(10, 5, 8, 11);
            Assert.IsFalse(clock.Known);
        }

        [Test]
        public void OldExchangesAreForgotten()
        {
            var clock = new ClockOffset();
            clock.Add(0, 50, 50, 0.001);
            clock.Add(100, 160, 160, 100.2);
            Assert.AreEqual(59.9, clock.Offset, 1e-9);
        }
    }
}
