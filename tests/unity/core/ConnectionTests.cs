using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Motus.Protocol;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>The connection against a real server over real sockets: what it gives, and what it makes of every kind of trouble.</summary>
    [TestFixture]
    public sealed class ConnectionTests
    {
        private static readonly Lazy<Server> Shared = new Lazy<Server>(() => new Server());

        [Test]
        public void MotionThatIsAskedForComesInOrderAndWhole()
        {
            using var connection = Opened(Shared.Value.Address);
            var flow = connection.Ask(new Generate { Task = "text-to-motion", Content = "a person walks", Seconds = 8.0, Seed = 1 });
            long next = 0, frames = 0;
            Patience.Until(() =>
            {
                for (var packet = flow.Take(); packet != null; packet = flow.Take())
                {
                    Assert.AreEqual(next++, packet.Sequence);
                    Assert.AreEqual(frames, packet.First);
                    Assert.AreEqual(22, packet.Joints);
                    frames += packet.Count;
                    flow.Return(packet);
                }
                return flow.Ended && frames >= (flow.Done?.Frames ?? 0);
            }, "done");
            Assert.IsNull(flow.Failure?.Message);
            Assert.AreEqual(240, frames); // twice the window: without acknowledgement it would have stopped at 120
            Assert.AreEqual(1, flow.Accepted.Seed);
            Assert.AreEqual("smplx22", connection.Welcome.Skeleton);
        }

        [Test]
        public void ALiveSessionIsSteeredAndWatchedByAnother()
        {
            using var owner = Opened(Shared.Value.Address);
            using var other = Opened(Shared.Value.Address);
            var live = owner.Open(new OpenStream { Content = "a person walks", Seed = 3, Publish = "unity" });
            Patience.Until(() => live.Accepted != null, "accepted");
            var watch = other.Watch("unity");
            var own = new Dictionary<long, float[]>();
            var seen = new Dictionary<long, float[]>();
            Patience.Until(() => Drain(live.Take, live.Return, own) && Drain(watch.Take, watch.Return, seen) && seen.Count > 30, "frames of both");
            Assert.AreEqual("smplx22", watch.Scene.Skeleton);
            foreach (var one in seen)
            {
                if (own.TryGetValue(one.Key, out var root)) Assert.AreEqual(root, one.Value, "both see the same frames");
            }
            live.Steer(new Steer { Content = "other", Speed = 1.5 });
            Patience.Until(() => live.Steered != null, "steered");
            live.Close();
            Patience.Until(() => live.Done != null && Drain(watch.Take, watch.Return, seen) && watch.Ended != null, "the end of both");
        }

        [Test]
        public void TheServersClockIsKnownAndBothClocksGoOn()
        {
            using var connection = Opened(Shared.Value.Address);
            Patience.Until(() => connection.ServerClock.Error < 0.05, "an offset");
            var live = connection.Open(new OpenStream { Seed = 5 });
            var late = new List<double>();
            Patience.Until(() =>
            {
                for (var packet = live.Take(); packet != null; packet = live.Take())
                {
                    late.Add(packet.Arrived - (packet.Clock - connection.ServerClock.Offset));
                    live.Return(packet);
                }
                return late.Count > 30;
            }, "frames");
            late.Sort();
            Assert.Greater(late[late.Count / 2], -0.1, "frames do not come before they are due");
            Assert.Less(late[late.Count / 2], 5, "frames come after they are due, and not by the offset of the clocks");
        }

        [Test]
        public void CancelledWorkEndsAsCancelled()
        {
            using var connection = Opened(Shared.Value.Address);
            var flow = connection.Ask(new Generate { Task = "text-to-motion", Content = "a person walks", Seconds = 60.0 });
            Patience.Until(() => flow.Accepted != null, "accepted");
            flow.Cancel();
            Patience.Until(() => flow.Ended, "an end");
            Assert.AreEqual("cancelled", flow.Failure.Code);
        }

        [Test]
        public void WhatTheServerRefusesIsSaidInItsOwnWords()
        {
            using var connection = Opened(Shared.Value.Address);
            var flow = connection.Ask(new Generate { Task = "juggling", Content = "x" });
            Patience.Until(() => flow.Ended, "an end");
            Assert.AreEqual("unknown_task", flow.Failure.Code);
            StringAssert.Contains("text-to-motion", flow.Failure.Message);
            Assert.AreEqual(ConnectionState.Open, connection.State);
        }

        [Test]
        public void AServerThatGoesIsNoticedAndOneThatComesBackIsFoundAgain()
        {
            var first = new Server();
            using var connection = Opened(first.Address);
            var live = connection.Open(new OpenStream { Seed = 1, Publish = "again" });
            var watch = connection.Watch("again");
            Patience.Until(() => watch.Scene != null && live.Accepted != null, "a scene");
            first.Dispose();
            Patience.Until(() => connection.State == ConnectionState.Waiting && live.Ended, "a loss");
            Assert.AreEqual("unavailable", live.Failure.Code);
            Assert.IsTrue(live.Failure.Retry);
            StringAssert.Contains("closed the connection", connection.Problem);
            Assert.IsNotNull(connection.Ask(new Generate { Task = "text-to-motion" }).Failure, "no request is lost silently");
            using (new Server($"--address {first.Address}"))
            {
                Patience.Until(() => connection.State == ConnectionState.Open, "open again");
                Assert.IsNull(connection.Problem);
                var next = connection.Open(new OpenStream { Seed = 1, Publish = "again" });
                Patience.Until(() => next.Take() != null, "frames again");
            }
        }

        [Test]
        public void AFloodThatNobodyTakesIsOutlivedCountedAndTheServerFoundAgain()
        {
            using var server = new Server("20000", "tests.runtime.flood");
            using var connection = Opened(server.Address);
            var live = connection.Open(new OpenStream { Content = "a person walks" });
            Assert.AreEqual("sent", server.Line());
            Patience.Until(() => live.Ended, "the end of what was sent");
            StringAssert.Contains("closed the connection", live.Failure.Message);
            long kept = 0;
            for (var packet = live.Take(); packet != null; packet = live.Take())
            {
                kept += packet.Count;
                live.Return(packet);
            }
            Assert.AreEqual(20000, kept + live.Lost);
            Assert.AreEqual(Connection.Window + 8, kept, "the newest are kept");
            Patience.Until(() => connection.State == ConnectionState.Open, "open again");
        }

        [Test]
        public void NobodyThereIsOneSentenceAndNoFreeze()
        {
            using var connection = new Connection("tcp://127.0.0.1:9");
            Patience.Until(() => connection.State == ConnectionState.Waiting, "waiting");
            StringAssert.Contains("runtime.serve", connection.Problem);
        }

        [TestCase("nonsense")]
        [TestCase("tcp://")]
        [TestCase("")]
        public void AnAddressThatIsNoneIsOneSentence(string address)
        {
            using var connection = new Connection(address);
            Patience.Until(() => connection.State == ConnectionState.Refused, "refused");
            StringAssert.Contains("is no address", connection.Problem);
        }

        [Test]
        public void ClosingDoesNotHangWhateverIsGoingOn()
        {
            foreach (var address in new[] { Shared.Value.Address, "tcp://127.0.0.1:9", "tcp://192.0.2.1:5570" })
            {
                for (var round = 0; round < 5; round++)
                {
                    var connection = new Connection(address);
                    Thread.Sleep(5 * round); // stopped before, while and after it connects
                    if (connection.State == ConnectionState.Open) connection.Open(new OpenStream());
                    var begun = Clock.Now;
                    connection.Dispose();
                    Assert.Less(Clock.Now - begun, 5, address);
                    Assert.AreEqual(ConnectionState.Closed, connection.State);
                }
            }
        }

        [Test]
        public void KeysLetInWhoHasThemAndWrongOnesAreOneSentence()
        {
            var folder = Path.Combine(Path.GetTempPath(), "motus-keys-" + Guid.NewGuid().ToString("N"));
            Make($"{folder} --client ann");
            Make($"{folder}-other --client eve");
            try
            {
                using (var server = new Server($"--keys {folder}"))
                {
                    var ann = ClientKeys.Load(Path.Combine(folder, "hand-out", "ann"), out var problem);
                    Assert.IsNull(problem);
                    var eve = ClientKeys.Load(Path.Combine(folder + "-other", "hand-out", "eve"), out _);
                    using (var welcome = Opened(server.Address, ann))
                    {
                        var live = welcome.Open(new OpenStream { Publish = "secret" });
                        var watch = welcome.Watch("secret");
                        Patience.Until(() => live.Take() != null && watch.Scene != null, "encrypted frames and a scene");
                    }
                    foreach (var wrong in new[] { new ClientKeys(eve.Public, eve.Secret, ann.Server), eve })
                    {
                        using var refused = new Connection(server.Address, wrong);
                        Patience.Until(() => refused.Problem != null, "a problem");
                        Assert.AreNotEqual(ConnectionState.Open, refused.State);
                    }
                    using var none = new Connection(server.Address);
                    Patience.Until(() => none.Problem != null, "a problem");
                    Assert.AreNotEqual(ConnectionState.Open, none.State);
                }
                Assert.IsNull(ClientKeys.Load(folder, out var missing));
                StringAssert.Contains("client.key_secret", missing);
            }
            finally
            {
                Directory.Delete(folder, true);
                Directory.Delete(folder + "-other", true);
            }
        }

        private static void Make(string arguments)
        {
            using var made = Server.Python($"-m runtime.keys {arguments}");
            made.StandardOutput.ReadToEnd();
            made.WaitForExit();
            Assert.AreEqual(0, made.ExitCode);
        }

        private static Connection Opened(string address, ClientKeys keys = null)
        {
            var connection = new Connection(address, keys);
            Patience.Until(() => connection.State == ConnectionState.Open, "welcome");
            return connection;
        }

        private static bool Drain(Func<FramePacket> take, Action<FramePacket> back, Dictionary<long, float[]> into)
        {
            for (var packet = take(); packet != null; packet = take())
            {
                into[packet.Sequence] = new[] { packet.Root[0], packet.Root[1], packet.Root[2] };
                back(packet);
            }
            return true;
        }
    }
}
