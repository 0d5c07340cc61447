using System;
using System.Threading;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>Waiting for what another thread or process does.</summary>
    internal static class Patience
    {
        /// <summary>Until it holds; fails after some seconds.</summary>
        public static void Until(Func<bool> holds, string what, double seconds = 60)
        {
            var end = Clock.Now + seconds;
            while (!holds())
            {
                if (Clock.Now > end) Assert.Fail($"within {seconds:0.#} s it did not come to this: {what}");
                Thread.Sleep(1);
            }
        }
    }
}
