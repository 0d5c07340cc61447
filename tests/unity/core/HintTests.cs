using Motus.Protocol;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>The hint for a sentence that lies far from what was learned, from the reply of a real server too.</summary>
    [TestFixture]
    public sealed class HintTests
    {
        [Test]
        public void OnlyWhatIsFarEarnsAHint()
        {
            var nearest = new[] { "a person bows", "a person jumps" };
            Assert.AreEqual("Far from what this bundle learned; nearest: a person bows, a person jumps", Hint.Of(0.49, nearest));
            Assert.AreEqual("Far from what this bundle learned", Hint.Of(0, null));
            Assert.IsNull(Hint.Of(0.5, nearest));
            Assert.IsNull(Hint.Of(null, nearest));
        }

        [Test]
        public void TheTextDecidesBetweenMotionAndWordsAndTheEndSaysWhichAndHowNearItLies()
        {
            using var server = new Server();
            using var connection = new Connection(server.Address, null, "test");
            Patience.Until(() => connection.State == ConnectionState.Open, "a connection");
            var asked = connection.Ask(new Generate { Task = "auto", Content = "what is a plié?", Seed = 1 });
            var told = connection.Ask(new Generate { Task = "auto", Content = "show me a cartwheel", Seconds = 1.0, Seed = 1 });
            Patience.Until(() => asked.Ended && told.Ended, "both ends");
            Assert.IsNull(asked.Failure?.Message);
            Assert.IsNull(told.Failure?.Message);
            Assert.AreEqual("conversation", asked.Done.Task);
            Assert.AreEqual("a person walks in an arc", asked.Done.Content);
            Assert.IsNull(Hint.Of(asked.Done.Familiar, asked.Done.Nearest));
            Assert.AreEqual("text-to-motion", told.Done.Task);
            Assert.AreEqual(30, told.Done.Frames);
            StringAssert.EndsWith("nearest: a person walks, a person walks in an arc", Hint.Of(told.Done.Familiar, told.Done.Nearest));
        }
    }
}
