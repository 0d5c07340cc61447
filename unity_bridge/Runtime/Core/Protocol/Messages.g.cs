// The messages of the protocol, written by `python -m tools.gen_csharp` from motion/protocol/; never edited by hand.

#pragma warning disable 1591 // a field without a line of its own is the field of its name in PROTOCOL.md

using System;

namespace Motus.Protocol
{
    /// <summary>What the protocol calls itself, and how much a message may hold.</summary>
    public static class Version
    {
        /// <summary>Must be the other side's too.</summary>
        public const byte Major = 1;
        /// <summary>Only adds.</summary>
        public const byte Minor = 1;
        /// <summary>The longest header.</summary>
        public const int HeaderBytes = 65536;
        /// <summary>The longest buffer.</summary>
        public const int PartBytes = 4194304;
        /// <summary>The most buffers.</summary>
        public const int Buffers = 16;
        /// <summary>The most axes of a buffer.</summary>
        public const int Axes = 4;
        /// <summary>Levels of objects and lists inside a header.</summary>
        public const int Depth = 8;
        /// <summary>Where a server listens unless told otherwise.</summary>
        public const string Address = "tcp://127.0.0.1:5570";
    }

    /// <summary>A piece of motion inside a request: on the bundle's skeleton, or the request's rig, and at the bundle's fps.</summary>
    public sealed class Pose
    {
        /// <summary>Shape (T, J, 4).</summary>
        public Floats Rotations;
        /// <summary>Shape (T, 3).</summary>
        public Floats Root;

        internal void Write(Header header)
        {
            header.Array("rotations", Rotations);
            header.Array("root", Root);
        }

        internal static Pose Read(Fields fields) => new Pose
        {
            Rotations = fields.Array("rotations", 'T', 'J', (char)4),
            Root = fields.Array("root", 'T', (char)3),
        };
    }

    /// <summary>A skeleton of the client's own: motion of the request is on it, and frames come on it.</summary>
    public sealed class Rig
    {
        public string Name = "";
        /// <summary>Shape (J).</summary>
        public string[] Joints = Array.Empty<string>();
        /// <summary>Shape (J).</summary>
        public long[] Parents = Array.Empty<long>();
        /// <summary>Shape (J, 3).</summary>
        public Floats Offsets;

        internal void Write(Header header)
        {
            header.Text("name", Name);
            header.Texts("joints", Joints);
            header.Wholes("parents", Parents);
            header.Array("offsets", Offsets);
        }

        internal static Rig Read(Fields fields) => new Rig
        {
            Name = fields.Text("name"),
            Joints = fields.Texts("joints", 'J'),
            Parents = fields.Wholes("parents", 'J'),
            Offsets = fields.Array("offsets", 'J', (char)3),
        };
    }

    /// <summary>The first message of a client.</summary>
    public sealed class Hello : Message
    {
        public string Client = "";
        /// <summary>How many frames of one request may be under way to the client, not yet acknowledged.</summary>
        public long Window;
        /// <summary>Whether the client promises a message each `heartbeat_s`, and is to be taken for gone without them.</summary>
        public bool Beats;

        public override string Kind => "hello";

        internal override void Write(Header header)
        {
            header.Text("client", Client);
            header.Count("window", Window);
            if (Beats) header.Flag("beats", Beats);
        }

        internal static Hello Read(Fields fields) => new Hello
        {
            Client = fields.Text("client"),
            Window = fields.Count("window"),
            Beats = fields.Has("beats") && fields.Flag("beats"),
        };
    }

    /// <summary>Do `task`. `seconds` and `seed` may be left to the server.</summary>
    public sealed class Generate : Message
    {
        public string Id = "";
        public string Task = "";
        public string Content = "";
        /// <summary>Null: absent.</summary>
        public double? Seconds;
        /// <summary>Null: absent.</summary>
        public long? Seed;
        /// <summary>Null: absent.</summary>
        public Pose Past;
        /// <summary>Null: absent.</summary>
        public Pose Future;
        /// <summary>Null: absent.</summary>
        public Pose Motion;
        /// <summary>How many motions; the one of index v is made with seed + v.</summary>
        public long Variations = 1;
        /// <summary>Whether `done` describes each motion in words.</summary>
        public bool Caption;
        /// <summary>Seconds from arrival after which the answer is of no use; null: absent.</summary>
        public double? DeadlineS;
        /// <summary>Null: absent.</summary>
        public Rig Rig;

        public override string Kind => "generate";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Text("task", Task);
            header.Text("text", Content);
            if (Seconds.HasValue) header.Number("seconds", Seconds.Value);
            if (Seed.HasValue) header.Whole("seed", Seed.Value);
            if (Past != null) { header.Begin("past"); Past.Write(header); header.End(); }
            if (Future != null) { header.Begin("future"); Future.Write(header); header.End(); }
            if (Motion != null) { header.Begin("motion"); Motion.Write(header); header.End(); }
            if (Variations != 1) header.Whole("variations", Variations);
            if (Caption) header.Flag("caption", Caption);
            if (DeadlineS.HasValue) header.Number("deadline_s", DeadlineS.Value);
            if (Rig != null) { header.Begin("rig"); Rig.Write(header); header.End(); }
        }

        internal static Generate Read(Fields fields) => new Generate
        {
            Id = fields.Id("id"),
            Task = fields.Text("task"),
            Content = fields.Has("text") ? fields.Text("text") : "",
            Seconds = fields.Has("seconds") ? fields.Number("seconds") : null,
            Seed = fields.Has("seed") ? fields.Whole("seed") : null,
            Past = fields.HasInner("past") ? Pose.Read(fields.Inner("past")) : null,
            Future = fields.HasInner("future") ? Pose.Read(fields.Inner("future")) : null,
            Motion = fields.HasInner("motion") ? Pose.Read(fields.Inner("motion")) : null,
            Variations = fields.Has("variations") ? fields.Whole("variations") : 1,
            Caption = fields.Has("caption") && fields.Flag("caption"),
            DeadlineS = fields.Has("deadline_s") ? fields.Number("deadline_s") : null,
            Rig = fields.HasInner("rig") ? Rig.Read(fields.Inner("rig")) : null,
        };
    }

    /// <summary>Begin a live session: frames without end at the bundle's rate.</summary>
    public sealed class OpenStream : Message
    {
        public string Id = "";
        public string Content = "";
        /// <summary>Null: absent.</summary>
        public long? Seed;
        public long Agents = 1;
        /// <summary>Frames made ahead of those sent that a new order leaves as they are; null: absent.</summary>
        public long? Replan;
        /// <summary>An id under which anybody may watch; null: absent.</summary>
        public string Publish;
        /// <summary>Motion to go on from; of one agent; null: absent.</summary>
        public Pose Past;
        /// <summary>Where each agent begins: x, z, heading; shape (A, 3); null: absent.</summary>
        public Floats Places;
        /// <summary>Null: absent.</summary>
        public Rig Rig;

        public override string Kind => "open_stream";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Text("text", Content);
            if (Seed.HasValue) header.Whole("seed", Seed.Value);
            header.Whole("agents", Agents);
            if (Replan.HasValue) header.Whole("replan", Replan.Value);
            if (Publish != null) header.Text("publish", Publish);
            if (Past != null) { header.Begin("past"); Past.Write(header); header.End(); }
            header.Array("places", Places);
            if (Rig != null) { header.Begin("rig"); Rig.Write(header); header.End(); }
        }

        internal static OpenStream Read(Fields fields) => new OpenStream
        {
            Id = fields.Id("id"),
            Content = fields.Has("text") ? fields.Text("text") : "",
            Seed = fields.Has("seed") ? fields.Whole("seed") : null,
            Agents = fields.Has("agents") ? fields.Whole("agents") : 1,
            Replan = fields.Has("replan") ? fields.Whole("replan") : null,
            Publish = fields.Has("publish") ? fields.Text("publish") : null,
            Past = fields.HasInner("past") ? Pose.Read(fields.Inner("past")) : null,
            Places = fields.HasArray("places") ? fields.Array("places", 'A', (char)3) : null,
            Rig = fields.HasInner("rig") ? Rig.Read(fields.Inner("rig")) : null,
        };
    }

    /// <summary>New orders for a live session; what is absent stays as it was.</summary>
    public sealed class Steer : Message
    {
        public string Id = "";
        /// <summary>None: all of them; null: absent.</summary>
        public long? Agent;
        /// <summary>Null: absent.</summary>
        public string Content;
        /// <summary>1: as the model made it; null: absent.</summary>
        public double? Speed;
        /// <summary>Where to turn, radians about Y, 0 along +Z; null: absent.</summary>
        public double? Heading;
        /// <summary>Where to go, x and z in metres; shape (2); null: absent.</summary>
        public double[] Target;
        /// <summary>No more heading or target.</summary>
        public bool Free;
        /// <summary>Null: absent.</summary>
        public bool? Pause;
        /// <summary>Null: absent.</summary>
        public long? Replan;

        public override string Kind => "steer";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            if (Agent.HasValue) header.Whole("agent", Agent.Value);
            if (Content != null) header.Text("text", Content);
            if (Speed.HasValue) header.Number("speed", Speed.Value);
            if (Heading.HasValue) header.Number("heading", Heading.Value);
            if (Target != null) header.Numbers("target", Target);
            header.Flag("free", Free);
            if (Pause.HasValue) header.Flag("pause", Pause.Value);
            if (Replan.HasValue) header.Whole("replan", Replan.Value);
        }

        internal static Steer Read(Fields fields) => new Steer
        {
            Id = fields.Id("id"),
            Agent = fields.Has("agent") ? fields.Whole("agent") : null,
            Content = fields.Has("text") ? fields.Text("text") : null,
            Speed = fields.Has("speed") ? fields.Number("speed") : null,
            Heading = fields.Has("heading") ? fields.Number("heading") : null,
            Target = fields.Has("target") ? fields.Numbers("target", (char)2) : null,
            Free = fields.Has("free") && fields.Flag("free"),
            Pause = fields.Has("pause") ? fields.Flag("pause") : null,
            Replan = fields.Has("replan") ? fields.Whole("replan") : null,
        };
    }

    /// <summary>End a live session.</summary>
    public sealed class CloseStream : Message
    {
        public string Id = "";

        public override string Kind => "close_stream";

        internal override void Write(Header header) => header.Id("id", Id);

        internal static CloseStream Read(Fields fields) => new CloseStream { Id = fields.Id("id") };
    }

    /// <summary>The client has taken `frames` frames of the request, all told.</summary>
    public sealed class Ack : Message
    {
        public string Id = "";
        public long Frames;

        public override string Kind => "ack";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("frames", Frames);
        }

        internal static Ack Read(Fields fields) => new Ack
        {
            Id = fields.Id("id"),
            Frames = fields.Count("frames"),
        };
    }

    /// <summary>Stop this request.</summary>
    public sealed class Cancel : Message
    {
        public string Id = "";

        public override string Kind => "cancel";

        internal override void Write(Header header) => header.Id("id", Id);

        internal static Cancel Read(Fields fields) => new Cancel { Id = fields.Id("id") };
    }

    /// <summary>Are you there? Either side may ask; `clock` is the asker's.</summary>
    public sealed class Ping : Message
    {
        public double Clock;

        public override string Kind => "ping";

        internal override void Write(Header header) => header.Number("clock", Clock);

        internal static Ping Read(Fields fields) => new Ping { Clock = fields.Number("clock") };
    }

    /// <summary>How is the server doing?</summary>
    public sealed class Stats : Message
    {
        public override string Kind => "stats";

        internal override void Write(Header header) { }

        internal static Stats Read(Fields fields) => new Stats();
    }

    /// <summary>Who is there, and what can be watched?</summary>
    public sealed class Who : Message
    {
        public override string Kind => "who";

        internal override void Write(Header header) { }

        internal static Who Read(Fields fields) => new Who();
    }

    /// <summary>The client leaves; what it asked for stops.</summary>
    public sealed class Close : Message
    {
        public override string Kind => "close";

        internal override void Write(Header header) { }

        internal static Close Read(Fields fields) => new Close();
    }

    /// <summary>One thing the bundle can do: which fields of Generate it needs and may have, and what comes back.</summary>
    public sealed class Task
    {
        public string Name = "";
        public string[] Needs = Array.Empty<string>();
        public string[] Optional = Array.Empty<string>();
        public string Gives = "";

        internal void Write(Header header)
        {
            header.Text("name", Name);
            header.Texts("needs", Needs);
            header.Texts("optional", Optional);
            header.Text("gives", Gives);
        }

        internal static Task Read(Fields fields) => new Task
        {
            Name = fields.Text("name"),
            Needs = fields.Texts("needs"),
            Optional = fields.Texts("optional"),
            Gives = fields.Text("gives"),
        };
    }

    /// <summary>What the server allows one client. What a server of version 1.0 does not know is 0 here.</summary>
    public sealed class Limits
    {
        /// <summary>Of a request's text.</summary>
        public long TextCharacters;
        /// <summary>The shortest motion that may be asked for.</summary>
        public double SecondsLeast;
        /// <summary>The longest motion that is made, and the longest that may be sent.</summary>
        public double SecondsMost;
        /// <summary>Requests of one client at a time.</summary>
        public long Requests;
        /// <summary>Requests waiting, of all clients together.</summary>
        public long Queue;
        /// <summary>The most frames of one request under way.</summary>
        public long Window;
        /// <summary>Motions of one request.</summary>
        public long Variations;
        /// <summary>Live sessions of one client at a time.</summary>
        public long Streams;
        /// <summary>In one live session.</summary>
        public long Agents;
        /// <summary>The fewest frames of a live session that new orders leave as they are.</summary>
        public long ReplanLeast;
        /// <summary>And the most.</summary>
        public long ReplanMost;
        /// <summary>Of a live session; 1: as the model made it.</summary>
        public double SpeedMost;
        /// <summary>Of a rig.</summary>
        public long Joints;
        /// <summary>Connections of one client key.</summary>
        public long Sessions;
        /// <summary>Of one client; 0: as many as it likes.</summary>
        public long MessagesPerS;
        /// <summary>Of one client; 0: as many as it likes.</summary>
        public long BytesPerS;

        internal void Write(Header header)
        {
            header.Count("text_characters", TextCharacters);
            header.Number("seconds_least", SecondsLeast);
            header.Number("seconds_most", SecondsMost);
            header.Count("requests", Requests);
            header.Count("queue", Queue);
            header.Count("window", Window);
            if (Variations != 0) header.Whole("variations", Variations);
            if (Streams != 0) header.Whole("streams", Streams);
            if (Agents != 0) header.Whole("agents", Agents);
            if (ReplanLeast != 0) header.Whole("replan_least", ReplanLeast);
            if (ReplanMost != 0) header.Whole("replan_most", ReplanMost);
            if (SpeedMost != 0) header.Number("speed_most", SpeedMost);
            if (Joints != 0) header.Whole("joints", Joints);
            if (Sessions != 0) header.Whole("sessions", Sessions);
            if (MessagesPerS != 0) header.Whole("messages_per_s", MessagesPerS);
            if (BytesPerS != 0) header.Whole("bytes_per_s", BytesPerS);
        }

        internal static Limits Read(Fields fields) => new Limits
        {
            TextCharacters = fields.Count("text_characters"),
            SecondsLeast = fields.Number("seconds_least"),
            SecondsMost = fields.Number("seconds_most"),
            Requests = fields.Count("requests"),
            Queue = fields.Count("queue"),
            Window = fields.Count("window"),
            Variations = fields.Has("variations") ? fields.Whole("variations") : 0,
            Streams = fields.Has("streams") ? fields.Whole("streams") : 0,
            Agents = fields.Has("agents") ? fields.Whole("agents") : 0,
            ReplanLeast = fields.Has("replan_least") ? fields.Whole("replan_least") : 0,
            ReplanMost = fields.Has("replan_most") ? fields.Whole("replan_most") : 0,
            SpeedMost = fields.Has("speed_most") ? fields.Number("speed_most") : 0,
            Joints = fields.Has("joints") ? fields.Whole("joints") : 0,
            Sessions = fields.Has("sessions") ? fields.Whole("sessions") : 0,
            MessagesPerS = fields.Has("messages_per_s") ? fields.Whole("messages_per_s") : 0,
            BytesPerS = fields.Has("bytes_per_s") ? fields.Whole("bytes_per_s") : 0,
        };
    }

    /// <summary>Who the server is and what it can do.</summary>
    public sealed class Welcome : Message
    {
        public string Server = "";
        public string Bundle = "";
        public string BundleVersion = "";
        public string Licence = "";
        public Task[] Tasks = Array.Empty<Task>();
        public double Fps;
        public Limits Limits;
        public string Skeleton = "";
        /// <summary>Shape (J).</summary>
        public string[] Joints = Array.Empty<string>();
        /// <summary>Shape (J).</summary>
        public long[] Parents = Array.Empty<long>();
        /// <summary>Shape (J, 3).</summary>
        public Floats Offsets;
        /// <summary>What it can do beyond version 1.0: variations, captions, rigs, deadlines, streams, watching.</summary>
        public string[] Capabilities = Array.Empty<string>();
        /// <summary>How often each side says something; 0: no such promise.</summary>
        public double HeartbeatS;
        /// <summary>Heartbeats after which the silent side is taken for gone.</summary>
        public long Missed;
        /// <summary>Where watchers connect, on the same host; 0: nowhere.</summary>
        public long WatchPort;

        public override string Kind => "welcome";

        internal override void Write(Header header)
        {
            header.Text("server", Server);
            header.Text("bundle", Bundle);
            header.Text("bundle_version", BundleVersion);
            header.Text("licence", Licence);
            header.BeginList("tasks");
            foreach (var one in Tasks) { header.BeginItem(); one.Write(header); header.End(); }
            header.EndList();
            header.Number("fps", Fps);
            if (Limits != null) { header.Begin("limits"); Limits.Write(header); header.End(); }
            header.Text("skeleton", Skeleton);
            header.Texts("joints", Joints);
            header.Wholes("parents", Parents);
            header.Array("offsets", Offsets);
            if (Capabilities.Length != 0) header.Texts("capabilities", Capabilities);
            if (HeartbeatS != 0) header.Number("heartbeat_s", HeartbeatS);
            if (Missed != 0) header.Whole("missed", Missed);
            if (WatchPort != 0) header.Whole("watch_port", WatchPort);
        }

        internal static Welcome Read(Fields fields) => new Welcome
        {
            Server = fields.Text("server"),
            Bundle = fields.Text("bundle"),
            BundleVersion = fields.Text("bundle_version"),
            Licence = fields.Text("licence"),
            Tasks = fields.Inners("tasks", Task.Read),
            Fps = fields.Number("fps"),
            Limits = Limits.Read(fields.Inner("limits")),
            Skeleton = fields.Text("skeleton"),
            Joints = fields.Texts("joints", 'J'),
            Parents = fields.Wholes("parents", 'J'),
            Offsets = fields.Array("offsets", 'J', (char)3),
            Capabilities = fields.Has("capabilities") ? fields.Texts("capabilities") : Array.Empty<string>(),
            HeartbeatS = fields.Has("heartbeat_s") ? fields.Number("heartbeat_s") : 0,
            Missed = fields.Has("missed") ? fields.Whole("missed") : 0,
            WatchPort = fields.Has("watch_port") ? fields.Whole("watch_port") : 0,
        };
    }

    /// <summary>The request is in; `position` requests are ahead of it. `seed` is the one it will use.</summary>
    public sealed class Accepted : Message
    {
        public string Id = "";
        public long Position;
        public long Seed;

        public override string Kind => "accepted";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("position", Position);
            header.Count("seed", Seed);
        }

        internal static Accepted Read(Fields fields) => new Accepted
        {
            Id = fields.Id("id"),
            Position = fields.Count("position"),
            Seed = fields.Count("seed"),
        };
    }

    /// <summary>Work that was really done: `done` of `total` steps of `stage` ("queued", "reading", "tokens", "caption").</summary>
    public sealed class Progress : Message
    {
        public string Id = "";
        public string Stage = "";
        public long Done;
        public long Total;
        public long Position;

        public override string Kind => "progress";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Text("stage", Stage);
            header.Count("done", Done);
            header.Count("total", Total);
            header.Count("position", Position);
        }

        internal static Progress Read(Fields fields) => new Progress
        {
            Id = fields.Id("id"),
            Stage = fields.Text("stage"),
            Done = fields.Count("done"),
            Total = fields.Count("total"),
            Position = fields.Has("position") ? fields.Count("position") : 0,
        };
    }

    /// <summary>New orders are taken: frames of `agent` from index `frame` on follow them.</summary>
    public sealed class Steered : Message
    {
        public string Id = "";
        public long Agent;
        public long Frame;

        public override string Kind => "steered";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("agent", Agent);
            header.Count("frame", Frame);
        }

        internal static Steered Read(Fields fields) => new Steered
        {
            Id = fields.Id("id"),
            Agent = fields.Count("agent"),
            Frame = fields.Count("frame"),
        };
    }

    /// <summary>A run of finished frames, never to be rewritten.</summary>
    public sealed class Frames : Message
    {
        public string Id = "";
        public long Sequence;
        public long First;
        public double Fps;
        public double Clock;
        /// <summary>Shape (T, 3).</summary>
        public Floats Root;
        /// <summary>Shape (T, J, 4).</summary>
        public Floats Rotations;
        /// <summary>Shape (T, 4).</summary>
        public Floats Contacts;
        public long Variation;
        public long Agent;
        /// <summary>Frames of a live session that this client was too slow for, right before these.</summary>
        public long Lost;

        public override string Kind => "frames";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("sequence", Sequence);
            header.Count("first", First);
            header.Number("fps", Fps);
            header.Number("clock", Clock);
            header.Array("root", Root);
            header.Array("rotations", Rotations);
            header.Array("contacts", Contacts);
            if (Variation != 0) header.Whole("variation", Variation);
            if (Agent != 0) header.Whole("agent", Agent);
            if (Lost != 0) header.Whole("lost", Lost);
        }

        internal static Frames Read(Fields fields) => new Frames
        {
            Id = fields.Id("id"),
            Sequence = fields.Count("sequence"),
            First = fields.Count("first"),
            Fps = fields.Number("fps"),
            Clock = fields.Number("clock"),
            Root = fields.Array("root", 'T', (char)3),
            Rotations = fields.Array("rotations", 'T', 'J', (char)4),
            Contacts = fields.Array("contacts", 'T', (char)4),
            Variation = fields.Has("variation") ? fields.Whole("variation") : 0,
            Agent = fields.Has("agent") ? fields.Whole("agent") : 0,
            Lost = fields.Has("lost") ? fields.Whole("lost") : 0,
        };
    }

    /// <summary>A piece of text, to be appended to those before it.</summary>
    public sealed class Text : Message
    {
        public string Id = "";
        public long Sequence;
        public string Content = "";
        public long Variation;

        public override string Kind => "text";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("sequence", Sequence);
            header.Text("text", Content);
            if (Variation != 0) header.Whole("variation", Variation);
        }

        internal static Text Read(Fields fields) => new Text
        {
            Id = fields.Id("id"),
            Sequence = fields.Count("sequence"),
            Content = fields.Text("text"),
            Variation = fields.Has("variation") ? fields.Whole("variation") : 0,
        };
    }

    /// <summary>The request is finished. Times count from its arrival at the server.</summary>
    public sealed class Done : Message
    {
        public string Id = "";
        public long Tokens;
        public long Frames;
        public string Content = "";
        public double QueuedS;
        public double FirstTokenS;
        /// <summary>Until the first frames, or the first piece of text, were ready.</summary>
        public double FirstOutputS;
        public double TotalS;
        /// <summary>Seconds of motion made per second of work, queueing not counted; 0 where no motion was made.</summary>
        public double RealtimeFactor;
        /// <summary>What each variation shows, where that was asked for.</summary>
        public string[] Captions = Array.Empty<string>();
        /// <summary>Whether the same request had been answered before.</summary>
        public bool Cached;

        public override string Kind => "done";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("tokens", Tokens);
            header.Count("frames", Frames);
            header.Text("text", Content);
            header.Number("queued_s", QueuedS);
            header.Number("first_token_s", FirstTokenS);
            header.Number("first_output_s", FirstOutputS);
            header.Number("total_s", TotalS);
            header.Number("realtime_factor", RealtimeFactor);
            if (Captions.Length != 0) header.Texts("captions", Captions);
            if (Cached) header.Flag("cached", Cached);
        }

        internal static Done Read(Fields fields) => new Done
        {
            Id = fields.Id("id"),
            Tokens = fields.Count("tokens"),
            Frames = fields.Count("frames"),
            Content = fields.Text("text"),
            QueuedS = fields.Number("queued_s"),
            FirstTokenS = fields.Number("first_token_s"),
            FirstOutputS = fields.Number("first_output_s"),
            TotalS = fields.Number("total_s"),
            RealtimeFactor = fields.Number("realtime_factor"),
            Captions = fields.Has("captions") ? fields.Texts("captions") : Array.Empty<string>(),
            Cached = fields.Has("cached") && fields.Flag("cached"),
        };
    }

    /// <summary>The request, or with id "" the message just sent, came to nothing.</summary>
    public sealed class Error : Message
    {
        public string Id = "";
        public string Code = "";
        public string Message = "";
        public bool Retry;
        /// <summary>Null: absent.</summary>
        public double? RetryAfterS;

        public override string Kind => "error";

        internal override void Write(Header header)
        {
            header.Text("id", Id);
            header.Text("code", Code);
            header.Text("message", Message);
            header.Flag("retry", Retry);
            if (RetryAfterS.HasValue) header.Number("retry_after_s", RetryAfterS.Value);
        }

        internal static Error Read(Fields fields) => new Error
        {
            Id = fields.Text("id"),
            Code = fields.Text("code"),
            Message = fields.Text("message"),
            Retry = fields.Flag("retry"),
            RetryAfterS = fields.Has("retry_after_s") ? fields.Number("retry_after_s") : null,
        };
    }

    /// <summary>I am here; `asked` is the clock of the Ping, `clock` one's own.</summary>
    public sealed class Pong : Message
    {
        public double Asked;
        public double Clock;
        /// <summary>One's own clock when the Ping came; `clock` is that of the answer's leaving; null: absent.</summary>
        public double? Received;

        public override string Kind => "pong";

        internal override void Write(Header header)
        {
            header.Number("asked", Asked);
            header.Number("clock", Clock);
            if (Received.HasValue) header.Number("received", Received.Value);
        }

        internal static Pong Read(Fields fields) => new Pong
        {
            Asked = fields.Number("asked"),
            Clock = fields.Number("clock"),
            Received = fields.Has("received") ? fields.Number("received") : null,
        };
    }

    /// <summary>Counters since the server started; what never shrinks is named in the past tense.</summary>
    public sealed class Statistics : Message
    {
        public double Clock;
        public double UptimeS;
        public long Sessions;
        public long Waiting;
        public long Running;
        public long Accepted;
        public long Finished;
        public long Cancelled;
        public long Failed;
        /// <summary>Language-model steps done.</summary>
        public long Tokens;
        /// <summary>Frames made.</summary>
        public long Frames;
        public long Streams;
        public long Watchers;
        /// <summary>Messages that were none, or asked for what cannot be.</summary>
        public long Refused;
        /// <summary>Requests answered from the cache.</summary>
        public long Cached;
        /// <summary>Frames of live sessions that slow clients did not get.</summary>
        public long Lost;
        /// <summary>Worker processes that had to be replaced.</summary>
        public long Restarts;

        public override string Kind => "statistics";

        internal override void Write(Header header)
        {
            header.Number("clock", Clock);
            header.Number("uptime_s", UptimeS);
            header.Count("sessions", Sessions);
            header.Count("waiting", Waiting);
            header.Count("running", Running);
            header.Count("accepted", Accepted);
            header.Count("finished", Finished);
            header.Count("cancelled", Cancelled);
            header.Count("failed", Failed);
            header.Count("tokens", Tokens);
            header.Count("frames", Frames);
            if (Streams != 0) header.Whole("streams", Streams);
            if (Watchers != 0) header.Whole("watchers", Watchers);
            if (Refused != 0) header.Whole("refused", Refused);
            if (Cached != 0) header.Whole("cached", Cached);
            if (Lost != 0) header.Whole("lost", Lost);
            if (Restarts != 0) header.Whole("restarts", Restarts);
        }

        internal static Statistics Read(Fields fields) => new Statistics
        {
            Clock = fields.Number("clock"),
            UptimeS = fields.Number("uptime_s"),
            Sessions = fields.Count("sessions"),
            Waiting = fields.Count("waiting"),
            Running = fields.Count("running"),
            Accepted = fields.Count("accepted"),
            Finished = fields.Count("finished"),
            Cancelled = fields.Count("cancelled"),
            Failed = fields.Count("failed"),
            Tokens = fields.Count("tokens"),
            Frames = fields.Count("frames"),
            Streams = fields.Has("streams") ? fields.Whole("streams") : 0,
            Watchers = fields.Has("watchers") ? fields.Whole("watchers") : 0,
            Refused = fields.Has("refused") ? fields.Whole("refused") : 0,
            Cached = fields.Has("cached") ? fields.Whole("cached") : 0,
            Lost = fields.Has("lost") ? fields.Whole("lost") : 0,
            Restarts = fields.Has("restarts") ? fields.Whole("restarts") : 0,
        };
    }

    /// <summary>One client that is connected.</summary>
    public sealed class Peer
    {
        public string Client = "";
        public double AgeS;
        /// <summary>Since it was last heard.</summary>
        public double IdleS;
        public long Requests;
        public long Streams;
        public long Frames;
        public long BytesIn;
        public long BytesOut;
        public long Refused;

        internal void Write(Header header)
        {
            header.Text("client", Client);
            header.Number("age_s", AgeS);
            header.Number("idle_s", IdleS);
            header.Count("requests", Requests);
            header.Count("streams", Streams);
            header.Count("frames", Frames);
            header.Count("bytes_in", BytesIn);
            header.Count("bytes_out", BytesOut);
            header.Count("refused", Refused);
        }

        internal static Peer Read(Fields fields) => new Peer
        {
            Client = fields.Text("client"),
            AgeS = fields.Number("age_s"),
            IdleS = fields.Number("idle_s"),
            Requests = fields.Count("requests"),
            Streams = fields.Count("streams"),
            Frames = fields.Count("frames"),
            BytesIn = fields.Count("bytes_in"),
            BytesOut = fields.Count("bytes_out"),
            Refused = fields.Count("refused"),
        };
    }

    /// <summary>One live session that is running.</summary>
    public sealed class Show
    {
        public string Publish = "";
        public string Client = "";
        public long Agents;
        public double Fps;
        public long Frames;
        /// <summary>Frames made and not yet sent, of the agent that has fewest.</summary>
        public long Ahead;
        /// <summary>By how much the last second's frames left late at most.</summary>
        public double LateMs;
        public long Watchers;

        internal void Write(Header header)
        {
            header.Text("publish", Publish);
            header.Text("client", Client);
            header.Count("agents", Agents);
            header.Number("fps", Fps);
            header.Count("frames", Frames);
            header.Count("ahead", Ahead);
            header.Number("late_ms", LateMs);
            header.Count("watchers", Watchers);
        }

        internal static Show Read(Fields fields) => new Show
        {
            Publish = fields.Text("publish"),
            Client = fields.Text("client"),
            Agents = fields.Count("agents"),
            Fps = fields.Number("fps"),
            Frames = fields.Count("frames"),
            Ahead = fields.Count("ahead"),
            LateMs = fields.Number("late_ms"),
            Watchers = fields.Count("watchers"),
        };
    }

    /// <summary>Who is there, and what can be watched.</summary>
    public sealed class Roster : Message
    {
        public Peer[] Clients = Array.Empty<Peer>();
        public Show[] Streams = Array.Empty<Show>();

        public override string Kind => "roster";

        internal override void Write(Header header)
        {
            header.BeginList("clients");
            foreach (var one in Clients) { header.BeginItem(); one.Write(header); header.End(); }
            header.EndList();
            header.BeginList("streams");
            foreach (var one in Streams) { header.BeginItem(); one.Write(header); header.End(); }
            header.EndList();
        }

        internal static Roster Read(Fields fields) => new Roster
        {
            Clients = fields.Inners("clients", Peer.Read),
            Streams = fields.Inners("streams", Show.Read),
        };
    }

    /// <summary>What is to be seen under a published name.</summary>
    public sealed class Scene : Message
    {
        public string Id = "";
        public long Agents;
        public double Fps;
        public double Clock;
        public string Licence = "";
        public string Skeleton = "";
        /// <summary>Shape (J).</summary>
        public string[] Joints = Array.Empty<string>();
        /// <summary>Shape (J).</summary>
        public long[] Parents = Array.Empty<long>();
        /// <summary>Shape (J, 3).</summary>
        public Floats Offsets;

        public override string Kind => "scene";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("agents", Agents);
            header.Number("fps", Fps);
            header.Number("clock", Clock);
            header.Text("licence", Licence);
            header.Text("skeleton", Skeleton);
            header.Texts("joints", Joints);
            header.Wholes("parents", Parents);
            header.Array("offsets", Offsets);
        }

        internal static Scene Read(Fields fields) => new Scene
        {
            Id = fields.Id("id"),
            Agents = fields.Count("agents"),
            Fps = fields.Number("fps"),
            Clock = fields.Number("clock"),
            Licence = fields.Text("licence"),
            Skeleton = fields.Text("skeleton"),
            Joints = fields.Texts("joints", 'J'),
            Parents = fields.Wholes("parents", 'J'),
            Offsets = fields.Array("offsets", 'J', (char)3),
        };
    }

    /// <summary>Nothing more will come under this name.</summary>
    public sealed class Ended : Message
    {
        public string Id = "";
        public string Reason = "";

        public override string Kind => "ended";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Text("reason", Reason);
        }

        internal static Ended Read(Fields fields) => new Ended
        {
            Id = fields.Id("id"),
            Reason = fields.Text("reason"),
        };
    }

    /// <summary>The server is alive.</summary>
    public sealed class Beat : Message
    {
        public double Clock;

        public override string Kind => "beat";

        internal override void Write(Header header) => header.Number("clock", Clock);

        internal static Beat Read(Fields fields) => new Beat { Clock = fields.Number("clock") };
    }

    /// <summary>Messages by their name on the wire.</summary>
    internal static class Kinds
    {
        /// <summary>The message in these fields, or null where there is none of that name.</summary>
        internal static Message Read(string kind, Fields fields) => kind switch
        {
            "hello" => Hello.Read(fields),
            "generate" => Generate.Read(fields),
            "open_stream" => OpenStream.Read(fields),
            "steer" => Steer.Read(fields),
            "close_stream" => CloseStream.Read(fields),
            "ack" => Ack.Read(fields),
            "cancel" => Cancel.Read(fields),
            "ping" => Ping.Read(fields),
            "stats" => Stats.Read(fields),
            "who" => Who.Read(fields),
            "close" => Close.Read(fields),
            "welcome" => Welcome.Read(fields),
            "accepted" => Accepted.Read(fields),
            "progress" => Progress.Read(fields),
            "steered" => Steered.Read(fields),
            "frames" => Frames.Read(fields),
            "text" => Text.Read(fields),
            "done" => Done.Read(fields),
            "error" => Error.Read(fields),
            "pong" => Pong.Read(fields),
            "statistics" => Statistics.Read(fields),
            "roster" => Roster.Read(fields),
            "scene" => Scene.Read(fields),
            "ended" => Ended.Read(fields),
            "beat" => Beat.Read(fields),
            _ => null,
        };
    }
}
