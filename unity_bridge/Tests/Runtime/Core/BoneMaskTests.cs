using System;
using System.Linq;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>Which bones a motion is let onto: part by part, and bone by bone.</summary>
    [TestFixture]
    public sealed class BoneMaskTests
    {
        private static readonly HumanBone[] Bones = (HumanBone[])Enum.GetValues(typeof(HumanBone));

        [Test]
        public void EveryBoneThatABodyNeedsIsInOnePart()
        {
            var parts = ((MotusParts[])Enum.GetValues(typeof(MotusParts))).Where(part => part != MotusParts.All).ToArray();
            foreach (var bone in Bones)
            {
                var holding = parts.Where(part => BoneMask.Of(part, new HumanBone[0]).Has(bone)).ToArray();
                CollectionAssert.AreEqual(new[] { BoneMask.Part(bone) }, holding, bone.ToString());
            }
        }

        [Test]
        public void PartsAreLeftOutWithTheirBonesAndBonesByThemselves()
        {
            var mask = BoneMask.Of(MotusParts.All & ~MotusParts.LeftArm, new[] { HumanBone.Head, HumanBone.RightHand });
            var left = Bones.Where(bone => !mask.Has(bone));
            var wanted = new[] { HumanBone.Head, HumanBone.LeftUpperArm, HumanBone.LeftLowerArm, HumanBone.LeftHand, HumanBone.RightHand };
            CollectionAssert.AreEquivalent(wanted, left);
            Assert.IsFalse(mask.Whole);
        }

        [Test]
        public void EverythingIsWholeWhateverIsSaidOfFingers()
        {
            Assert.IsTrue(BoneMask.Of(MotusParts.All, new HumanBone[0]).Whole);
            Assert.IsTrue(BoneMask.Of(MotusParts.All, new[] { (HumanBone)30 }).Whole);
            Assert.IsFalse(BoneMask.Of(MotusParts.All, new[] { HumanBone.Hips }).Whole);
        }
    }
}
