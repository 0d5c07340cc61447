using System;
using System.IO;
using System.Text;
using Motus.Protocol;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>Every message is read from its golden bytes and written as them; whatever else arrives is refused.</summary>
    [TestFixture]
    public sealed class WireTests
    {
        [Test]
        public void EveryGoldenFileIsReadAndWrittenAgainToTheSameBytes()
        {
            var count = 0;
            foreach (var path in Golden.Files())
            {
                var parts = Golden.Read(path);
                var message = Wire.Unpack(Parts.Of(parts), out var fault);
                Assert.IsNull(fault, $"{path}: {fault}");
                var written = Wire.Pack(message);
                if (parts[0][7] == Protocol.Version.Minor) Assert.AreEqual(parts[0], written[0], path);
                Assert.AreEqual(Encoding.UTF8.GetString(parts[1]), Encoding.UTF8.GetString(written[1]), path);
                Assert.AreEqual(parts.Length, written.Length, path);
                for (var part = 2; part < parts.Length; part++) Assert.AreEqual(parts[part], written[part], path);
                count++;
            }
            Assert.Greater(count, 40);
        }

        [Test]
        public void FieldsHaveTheValuesOfTheExamples()
        {
            var welcome = (Welcome)Wire.Unpack(Parts.Of(Golden.Example("welcome")), out _);
            Assert.AreEqual("in-betweening", welcome.Tasks[1].Name);
            Assert.AreEqual(2.0, welcome.Limits.SpeedMost);
            Assert.AreEqual(new[] { 2, 3 }, welcome.Offsets.Shape);
            Assert.AreEqual(0.625f, welcome.Offsets.Data[5]);
            var generate = (Generate)Wire.Unpack(Parts.Of(Golden.Example("generate_between")), out _);
            Assert.AreEqual(new[] { 2, 2, 4 }, generate.Past.Rotations.Shape);
            Assert.IsNull(generate.Motion);
            var waves = (Generate)Wire.Unpack(Parts.Of(Golden.Example("generate")), out _);
            Assert.AreEqual("a person waves, «naïve» ☂", waves.Content);
            var done = (Done)Wire.Unpack(Parts.Of(Golden.Example("done_far")), out _);
            Assert.AreEqual("text-to-motion", done.Task);
            Assert.AreEqual(0.25, done.Familiar);
            Assert.AreEqual(new[] { "a person jumps", "a person rolls", "a person bows" }, done.Nearest);
            var older = (Done)Wire.Unpack(Parts.Of(Golden.Example("done")), out _);
            Assert.AreEqual("", older.Task);
            Assert.IsNull(older.Familiar);
            Assert.IsEmpty(older.Nearest);
            Assert.IsNull(((Steer)Wire.Unpack(Parts.Of(Golden.Example("steer")), out _)).Pause);
        }

        [Test]
        public void TheReaderOfFramesSeesWhatTheOtherSees()
        {
            var reader = new FramesReader();
            var packet = new FramePacket();
            foreach (var name in new[] { "frames", "frames_live" })
            {
                var parts = Parts.Of(Golden.Example(name));
                var message = (Frames)Wire.Unpack(parts, out _);
                Assert.IsTrue(FramesReader.Are(parts));
                Assert.IsNull(reader.Read(parts, packet));
                Assert.AreEqual(message.Id, Encoding.ASCII.GetString(packet.Id, 0, packet.IdLength));
                Assert.AreEqual(message.Sequence, packet.Sequence);
                Assert.AreEqual(message.First, packet.First);
                Assert.AreEqual(message.Clock, packet.Clock);
                Assert.AreEqual(message.Agent, packet.Agent);
                Assert.AreEqual(message.Lost, packet.Lost);
                Assert.AreEqual(message.Root.Shape[0], packet.Count);
                for (var i = 0; i < message.Rotations.Data.Length; i++) Assert.AreEqual(message.Rotations.Data[i], packet.Rotations[i]);
                for (var i = 0; i < message.Contacts.Data.Length; i++) Assert.AreEqual(message.Contacts.Data[i], packet.Contacts[i]);
            }
            Assert.IsFalse(FramesReader.Are(Parts.Of(Golden.Example("welcome"))));
        }

        [Test]
        public void DamagedMessagesAreRefusedWithASentenceAndNeverThrow()
        {
            var random = new Random(7);
            var reader = new FramesReader();
            var packet = new FramePacket();
            int refused = 0, tried = 0;
            foreach (var path in Golden.Files())
            {
                for (var round = 0; round < 60; round++)
                {
                    var parts = Golden.Read(path);
                    var part = parts[random.Next(parts.Length)];
                    for (var damage = random.Next(1, 4); damage > 0 && part.Length > 0; damage--) part[random.Next(part.Length)] = (byte)random.Next(256);
                    if (random.Next(4) == 0) Array.Resize(ref parts, random.Next(parts.Length + 1));
                    for (var i = 0; i < parts.Length; i++) parts[i] = parts[i] ?? Array.Empty<byte>();
                    var message = Wire.Unpack(Parts.Of(parts), out var fault);
                    Assert.AreEqual(message == null, fault != null);
                    tried++;
                    if (fault != null) refused++;
                    var fast = reader.Read(Parts.Of(parts), packet);
                    if (message is Frames) Assert.IsNull(fast, $"{path}: {Encoding.UTF8.GetString(parts[1])}");
                    else Assert.IsNotNull(fast);
                }
            }
            Assert.Greater(refused, tried / 3);
        }

        [TestCase("{\"kind\":\"ping\",\"clock\":NaN}")]
        [TestCase("{\"kind\":\"ping\",\"clock\":1e999}")]
        [TestCase("{\"kind\":\"ping\",\"clock\":\"1\"}")]
        [TestCase("{\"kind\":\"ping\"}")]
        [TestCase("{\"kind\":\"ping\",\"clock\":01}")]
        [TestCase("{\"kind\":\"ping\",\"clock\":1,}")]
        [TestCase("{\"kind\":\"ping\",\"clock\":1}x")]
        [TestCase("{\"kind\":\"dance\",\"clock\":1}")]
        [TestCase("{\"kind\":\"cancel\",\"id\":\"a b\"}")]
        [TestCase("{\"kind\":\"ack\",\"id\":\"a\",\"frames\":-1}")]
        [TestCase("{\"kind\":\"ack\",\"id\":\"a\",\"frames\":1.5}")]
        [TestCase("{\"kind\":\"ended\",\"id\":\"a\",\"reason\":\"\\ud800\"}")]
        [TestCase("{\"kind\":\"ping\",\"clock\":1,\"x\":[[[[[[[[[1]]]]]]]]]}")]
        [TestCase("{\"kind\":\"ping\",\"clock\":1,\"buffers\":[{\"name\":\"a\",\"dtype\":\"f32\",\"shape\":[1]}]}")]
        [TestCase("[]")]
        [TestCase("")]
        public void HeadersThatAreNotAsTheyShouldBeAreRefused(string header)
        {
            var message = Wire.Unpack(Parts.Of(new[] { Golden.Example("ping")[0], Encoding.UTF8.GetBytes(header) }), out var fault);
            Assert.IsNull(message);
            Assert.IsNotEmpty(fault);
        }

        [TestCase("{\"kind\":\"ping\",\"clock\":4}", 4.0)]
        [TestCase(" { \"new\" : [ {\"a\":null} , \"\\u00e9\" ] , \"kind\" : \"\\u0070ing\", \"clock\" : -1.5e1 } ", -15.0)]
        public void UnknownFieldsAndFreeSpellingAreRead(string header, double clock)
        {
            var message = Wire.Unpack(Parts.Of(new[] { Golden.Example("ping")[0], Encoding.UTF8.GetBytes(header) }), out var fault);
            Assert.IsNull(fault);
            Assert.AreEqual(clock, ((Ping)message).Clock);
        }

        [Test]
        public void AnotherMajorVersionIsRefusedWithBothVersions()
        {
            var parts = Golden.Example("ping");
            parts[0] = (byte[])parts[0].Clone();
            parts[0][6] = 9;
            Wire.Unpack(Parts.Of(parts), out var fault);
            StringAssert.Contains("1.2", fault);
            StringAssert.Contains("9.2", fault);
        }
    }
}
