using NUnit.Framework;
using UnityEngine;

namespace Motus.Editor.Tests
{
    /// <summary>For Unity's test runner, in edit mode: nobody has run these yet.</summary>
    public sealed class MotusCheckerTests
    {
        [Test]
        public void NothingSelectedIsSaid() => StringAssert.Contains("Select a character", MotusChecker.Report(null));

        [Test]
        public void ACharacterWithoutAnAvatarIsSaid()
        {
            var animator = new GameObject("box").AddComponent<Animator>();
            StringAssert.Contains("no avatar", MotusChecker.Report(animator));
            Object.DestroyImmediate(animator.gameObject);
        }
    }
}
