using System;
using System.Collections.Generic;
using Motus.Protocol;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>The client's side without a socket: what it says, to whom it gives what it hears, what it makes of nonsense.</summary>
    [TestFixture]
    public sealed class DialogueTests
    {
        private readonly List<Message> _said = new List<Message>();
        private PacketPool _pool;
        private Dialogue _dialogue;

        [SetUp]
        public void Begin()
        {
            _said.Clear();
            _pool = new PacketPool();
            _dialogue = new Dialogue(parts => _said.Add(Wire.Unpack(Parts.Of(parts), out _)), 120, _pool);
            _dialogue.Greet("test", 0);
        }

        [Test]
        public void NonsenseIsASentenceAndWhatComesAfterItIsRead()
        {
            var random = new Random(11);
            foreach (var path in Golden.Files())
            {
                var parts = Golden.Read(path);
                foreach (var part in parts)
                {
                    for (var i = 0; i < part.Length / 20; i++) part[random.Next(part.Length)] ^= (byte)(1 << random.Next(8));
                }
                _dialogue.Receive(Parts.Of(parts), 1);
            }
            Assert.IsNotNull(_dialogue.Receive(Parts.Of(new byte[0][]), 1));
            Assert.IsNotNull(_dialogue.Receive(Parts.Of(Many(40)), 1));
            Assert.IsNull(_dialogue.Receive(Parts.Of(Golden.Example("welcome")), 2));
            Assert.AreEqual("smplx22", _dialogue.Welcome.Skeleton);
        }

        [Test]
        public void AServerOfAnotherVersionIsNamedWithBothVersions()
        {
            var parts = Golden.Example("welcome");
            parts[0] = new byte[] { 77, 79, 84, 85, 83, 0, 2, 0 };
            StringAssert.Contains("2.0", _dialogue.Receive(Parts.Of(parts), 1));
            Assert.IsNull(_dialogue.Welcome);
        }

        [Test]
        public void HelloPromisesHeartbeatsAndTicksKeepThem()
        {
            Assert.IsTrue(((Hello)_said[0]).Beats);
            _dialogue.Receive(Parts.Of(Golden.Example("welcome")), 1);
            for (var now = 1.0; now < 4; now += 0.01) _dialogue.Tick(now);
            var pings = _said.FindAll(message => message is Ping).Count;
            Assert.GreaterOrEqual(pings, 5, "twice in each heartbeat of a second");
            Assert.LessOrEqual(pings, 7);
        }

        [Test]
        public void APingIsAnsweredAndAPongTellsTheClock()
        {
            _dialogue.Receive(Parts.Of(Golden.Example("ping")), 1);
            Assert.AreEqual(12.5, ((Pong)_said[1]).Asked);
            _dialogue.Receive(Parts.Of(Wire.Pack(new Pong { Asked = 10, Received = 60.25, Clock = 60.25 })), 10.5);
            Assert.AreEqual(50, _dialogue.Offset.Offset, 1e-9);
        }

        [Test]
        public void ALossFailsEverythingUnderWayAndMayBeTriedAgain()
        {
            using var connection = new Connection("nonsense");
            var flow = new Flow(connection, "g1", 120);
            _dialogue.Begin(flow);
            _dialogue.Lose("gone");
            Assert.AreEqual("gone", flow.Failure.Message);
            Assert.IsTrue(flow.Failure.Retry);
            Assert.IsTrue(flow.Ended);
        }

        private static byte[][] Many(int count)
        {
            var parts = new byte[count][];
            for (var i = 0; i < count; i++) parts[i] = new byte[3];
            return parts;
        }
    }
}
