using System;
using System.Collections.Generic;
using System.Linq;
using Motus.Protocol;

namespace Motus.Tests
{
    /// <summary>A network that is simulated: when each frame of a steady stream comes, if it does. The same seed gives the same network.</summary>
    internal sealed class Network
    {
        /// <summary>Seconds on the way at least.</summary>
        public double Way = 0.02;

        /// <summary>Seconds that are added at random, evenly up to this.</summary>
        public double Jitter;

        /// <summary>Share of frames that never come.</summary>
        public double Loss;

        /// <summary>Whether frames may overtake each other; otherwise each waits for the one before it, as over TCP.</summary>
        public bool Reorders;

        /// <summary>Share of frames that come twice.</summary>
        public double Twice;

        /// <summary>From when to when nothing comes; what was sent meanwhile is lost where frames may be lost, else it comes at the end.</summary>
        public (double From, double To) Outage = (-1, -1);

        /// <summary>Seconds by which the server's clock is ahead of ours.</summary>
        public double Ahead = 12345.678;

        /// <summary>Which random numbers.</summary>
        public int Seed = 1;

        /// <summary>A clip again and again for some seconds, in the order of arrival.</summary>
        public List<FramePacket> Carry(FramePacket clip, double seconds)
        {
            var random = new Random(Seed);
            var packets = new List<FramePacket>();
            var before = 0.0;
            for (var frame = 0; frame < seconds * clip.Fps; frame++)
            {
                var sent = frame / clip.Fps;
                var arrives = sent + Way + Jitter * random.NextDouble();
                var lost = random.NextDouble() < Loss;
                var twice = random.NextDouble() < Twice;
                if (arrives > Outage.From && arrives < Outage.To)
                {
                    lost |= Reorders;
                    arrives = Outage.To + 0.0001 * (frame % 100);
                }
                if (!Reorders) arrives = before = Math.Max(before, arrives);
                if (lost) continue;
                packets.Add(Fixtures.Frame(clip, frame, sent + Ahead, arrives));
                if (twice) packets.Add(Fixtures.Frame(clip, frame, sent + Ahead, arrives + 0.01));
            }
            return packets.OrderBy(packet => packet.Arrived).ToList();
        }
    }
}
