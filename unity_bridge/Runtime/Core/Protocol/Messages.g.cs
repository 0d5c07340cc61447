// The messages of the protocol, written by `python -m tools.gen_csharp` from motion/protocol/; never edited by hand.

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
        /// <summary>The field `rotations`; shape (T, J, 4).</summary>
        public Floats Rotations;

        /// <summary>The field `root`; shape (T, 3).</summary>
        public Floats Root;

        internal void Write(Header header)
        {
            header.Array("rotations", Rotations);
            header.Array("root", Root);
        }

        internal static Pose Read(Fields fields)
        {
            var read = new Pose();
            read.Rotations = fields.Array("rotations", 'T', 'J', (char)4);
            read.Root = fields.Array("root", 'T', (char)3);
            return read;
        }
    }

    /// <summary>A skeleton of the client's own: motion of the request is on it, and frames come on it.</summary>
    public sealed class Rig
    {
        /// <summary>The field `name`.</summary>
        public string Name = "";

        /// <summary>The field `joints`; shape (J).</summary>
        public string[] Joints = Array.Empty<string>();

        /// <summary>The field `parents`; shape (J).</summary>
        public long[] Parents = Array.Empty<long>();

        /// <summary>The field `offsets`; shape (J, 3).</summary>
        public Floats Offsets;

        internal void Write(Header header)
        {
            header.Text("name", Name);
            header.Texts("joints", Joints);
            header.Wholes("parents", Parents);
            header.Array("offsets", Offsets);
        }

        internal static Rig Read(Fields fields)
        {
            var read = new Rig();
            read.Name = fields.Text("name");
            read.Joints = fields.Texts("joints", 'J');
            read.Parents = fields.Wholes("parents", 'J');
            read.Offsets = fields.Array("offsets", 'J', (char)3);
            return read;
        }
    }

    /// <summary>The first message of a client.</summary>
    public sealed class Hello : Message
    {
        /// <summary>The field `client`.</summary>
        public string Client = "";

        /// <summary>How many frames of one request may be under way to the client, not yet acknowledged</summary>
        public long Window;

        /// <summary>Whether the client promises a message each `heartbeat_s`, and is to be taken for gone without them</summary>
        public bool Beats;

        /// <inheritdoc/>
        public override string Kind => "hello";

        internal override void Write(Header header)
        {
            header.Text("client", Client);
            header.Count("window", Window);
            if (Beats) header.Flag("beats", Beats);
        }

        internal static Hello Read(Fields fields)
        {
            var read = new Hello();
            read.Client = fields.Text("client");
            read.Window = fields.Count("window");
            if (fields.Has("beats")) read.Beats = fields.Flag("beats");
            return read;
        }
    }

    /// <summary>Do `task`. `seconds` and `seed` may be left to the server.</summary>
    public sealed class Generate : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `task`.</summary>
        public string Task = "";

        /// <summary>The field `text`.</summary>
        public string Content = "";

        /// <summary>The field `seconds`; null: absent.</summary>
        public double? Seconds;

        /// <summary>The field `seed`; null: absent.</summary>
        public long? Seed;

        /// <summary>The field `past`; null: absent.</summary>
        public Pose Past;

        /// <summary>The field `future`; null: absent.</summary>
        public Pose Future;

        /// <summary>The field `motion`; null: absent.</summary>
        public Pose Motion;

        /// <summary>How many motions; the one of index v is made with seed + v</summary>
        public long Variations = 1;

        /// <summary>Whether `done` describes each motion in words</summary>
        public bool Caption;

        /// <summary>Seconds from arrival after which the answer is of no use; null: absent.</summary>
        public double? DeadlineS;

        /// <summary>The field `rig`; null: absent.</summary>
        public Rig Rig;

        /// <inheritdoc/>
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

        internal static Generate Read(Fields fields)
        {
            var read = new Generate();
            read.Id = fields.Id("id");
            read.Task = fields.Text("task");
            if (fields.Has("text")) read.Content = fields.Text("text");
            if (fields.Has("seconds")) read.Seconds = fields.Number("seconds");
            if (fields.Has("seed")) read.Seed = fields.Whole("seed");
            if (fields.HasInner("past")) read.Past = Pose.Read(fields.Inner("past"));
            if (fields.HasInner("future")) read.Future = Pose.Read(fields.Inner("future"));
            if (fields.HasInner("motion")) read.Motion = Pose.Read(fields.Inner("motion"));
            if (fields.Has("variations")) read.Variations = fields.Whole("variations");
            if (fields.Has("caption")) read.Caption = fields.Flag("caption");
            if (fields.Has("deadline_s")) read.DeadlineS = fields.Number("deadline_s");
            if (fields.HasInner("rig")) read.Rig = Rig.Read(fields.Inner("rig"));
            return read;
        }
    }

    /// <summary>Begin a live session: frames without end at the bundle's rate.</summary>
    public sealed class OpenStream : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `text`.</summary>
        public string Content = "";

        /// <summary>The field `seed`; null: absent.</summary>
        public long? Seed;

        /// <summary>The field `agents`.</summary>
        public long Agents = 1;

        /// <summary>Frames made ahead of those sent that a new order leaves as they are; null: absent.</summary>
        public long? Replan;

        /// <summary>An id under which anybody may watch; null: absent.</summary>
        public string Publish;

        /// <summary>Motion to go on from; of one agent; null: absent.</summary>
        public Pose Past;

        /// <summary>Where each agent begins: x, z, heading; shape (A, 3); null: absent.</summary>
        public Floats Places;

        /// <summary>The field `rig`; null: absent.</summary>
        public Rig Rig;

        /// <inheritdoc/>
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

        internal static OpenStream Read(Fields fields)
        {
            var read = new OpenStream();
            read.Id = fields.Id("id");
            if (fields.Has("text")) read.Content = fields.Text("text");
            if (fields.Has("seed")) read.Seed = fields.Whole("seed");
            if (fields.Has("agents")) read.Agents = fields.Whole("agents");
            if (fields.Has("replan")) read.Replan = fields.Whole("replan");
            if (fields.Has("publish")) read.Publish = fields.Text("publish");
            if (fields.HasInner("past")) read.Past = Pose.Read(fields.Inner("past"));
            if (fields.HasArray("places")) read.Places = fields.Array("places", 'A', (char)3);
            if (fields.HasInner("rig")) read.Rig = Rig.Read(fields.Inner("rig"));
            return read;
        }
    }

    /// <summary>New orders for a live session; what is absent stays as it was.</summary>
    public sealed class Steer : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>None: all of them; null: absent.</summary>
        public long? Agent;

        /// <summary>The field `text`; null: absent.</summary>
        public string Content;

        /// <summary>1: as the model made it; null: absent.</summary>
        public double? Speed;

        /// <summary>Where to turn, radians about Y, 0 along +Z; null: absent.</summary>
        public double? Heading;

        /// <summary>Where to go, x and z in metres; shape (2); null: absent.</summary>
        public double[] Target;

        /// <summary>No more heading or target</summary>
        public bool Free;

        /// <summary>The field `pause`; null: absent.</summary>
        public bool? Pause;

        /// <summary>The field `replan`; null: absent.</summary>
        public long? Replan;

        /// <inheritdoc/>
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

        internal static Steer Read(Fields fields)
        {
            var read = new Steer();
            read.Id = fields.Id("id");
            if (fields.Has("agent")) read.Agent = fields.Whole("agent");
            if (fields.Has("text")) read.Content = fields.Text("text");
            if (fields.Has("speed")) read.Speed = fields.Number("speed");
            if (fields.Has("heading")) read.Heading = fields.Number("heading");
            if (fields.Has("target")) read.Target = fields.Numbers("target", (char)2);
            if (fields.Has("free")) read.Free = fields.Flag("free");
            if (fields.Has("pause")) read.Pause = fields.Flag("pause");
            if (fields.Has("replan")) read.Replan = fields.Whole("replan");
            return read;
        }
    }

    /// <summary>End a live session.</summary>
    public sealed class CloseStream : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <inheritdoc/>
        public override string Kind => "close_stream";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
        }

        internal static CloseStream Read(Fields fields)
        {
            var read = new CloseStream();
            read.Id = fields.Id("id");
            return read;
        }
    }

    /// <summary>The client has taken `frames` frames of the request, all told.</summary>
    public sealed class Ack : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `frames`.</summary>
        public long Frames;

        /// <inheritdoc/>
        public override string Kind => "ack";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("frames", Frames);
        }

        internal static Ack Read(Fields fields)
        {
            var read = new Ack();
            read.Id = fields.Id("id");
            read.Frames = fields.Count("frames");
            return read;
        }
    }

    /// <summary>Stop this request.</summary>
    public sealed class Cancel : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <inheritdoc/>
        public override string Kind => "cancel";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
        }

        internal static Cancel Read(Fields fields)
        {
            var read = new Cancel();
            read.Id = fields.Id("id");
            return read;
        }
    }

    /// <summary>Are you there? Either side may ask; `clock` is the asker's.</summary>
    public sealed class Ping : Message
    {
        /// <summary>The field `clock`.</summary>
        public double Clock;

        /// <inheritdoc/>
        public override string Kind => "ping";

        internal override void Write(Header header)
        {
            header.Number("clock", Clock);
        }

        internal static Ping Read(Fields fields)
        {
            var read = new Ping();
            read.Clock = fields.Number("clock");
            return read;
        }
    }

    /// <summary>How is the server doing?</summary>
    public sealed class Stats : Message
    {
        /// <inheritdoc/>
        public override string Kind => "stats";

        internal override void Write(Header header)
        {
        }

        internal static Stats Read(Fields fields)
        {
            return new Stats();
        }
    }

    /// <summary>Who is there, and what can be watched?</summary>
    public sealed class Who : Message
    {
        /// <inheritdoc/>
        public override string Kind => "who";

        internal override void Write(Header header)
        {
        }

        internal static Who Read(Fields fields)
        {
            return new Who();
        }
    }

    /// <summary>The client leaves; what it asked for stops.</summary>
    public sealed class Close : Message
    {
        /// <inheritdoc/>
        public override string Kind => "close";

        internal override void Write(Header header)
        {
        }

        internal static Close Read(Fields fields)
        {
            return new Close();
        }
    }

    /// <summary>One thing the bundle can do: which fields of Generate it needs and may have, and what comes back.</summary>
    public sealed class Task
    {
        /// <summary>The field `name`.</summary>
        public string Name = "";

        /// <summary>The field `needs`.</summary>
        public string[] Needs = Array.Empty<string>();

        /// <summary>The field `optional`.</summary>
        public string[] Optional = Array.Empty<string>();

        /// <summary>The field `gives`.</summary>
        public string Gives = "";

        internal void Write(Header header)
        {
            header.Text("name", Name);
            header.Texts("needs", Needs);
            header.Texts("optional", Optional);
            header.Text("gives", Gives);
        }

        internal static Task Read(Fields fields)
        {
            var read = new Task();
            read.Name = fields.Text("name");
            read.Needs = fields.Texts("needs");
            read.Optional = fields.Texts("optional");
            read.Gives = fields.Text("gives");
            return read;
        }
    }

    /// <summary>What the server allows one client. What a server of version 1.0 does not know is 0 here.</summary>
    public sealed class Limits
    {
        /// <summary>Of a request's text</summary>
        public long TextCharacters;

        /// <summary>The shortest motion that may be asked for</summary>
        public double SecondsLeast;

        /// <summary>The longest motion that is made, and the longest that may be sent</summary>
        public double SecondsMost;

        /// <summary>Requests of one client at a time</summary>
        public long Requests;

        /// <summary>Requests waiting, of all clients together</summary>
        public long Queue;

        /// <summary>The most frames of one request under way</summary>
        public long Window;

        /// <summary>Motions of one request</summary>
        public long Variations;

        /// <summary>Live sessions of one client at a time</summary>
        public long Streams;

        /// <summary>In one live session</summary>
        public long Agents;

        /// <summary>The fewest frames of a live session that new orders leave as they are</summary>
        public long ReplanLeast;

        /// <summary>And the most</summary>
        public long ReplanMost;

        /// <summary>Of a live session; 1: as the model made it</summary>
        public double SpeedMost;

        /// <summary>Of a rig</summary>
        public long Joints;

        /// <summary>Connections of one client key</summary>
        public long Sessions;

        /// <summary>Of one client; 0: as many as it likes</summary>
        public long MessagesPerS;

        /// <summary>Of one client; 0: as many as it likes</summary>
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

        internal static Limits Read(Fields fields)
        {
            var read = new Limits();
            read.TextCharacters = fields.Count("text_characters");
            read.SecondsLeast = fields.Number("seconds_least");
            read.SecondsMost = fields.Number("seconds_most");
            read.Requests = fields.Count("requests");
            read.Queue = fields.Count("queue");
            read.Window = fields.Count("window");
            if (fields.Has("variations")) read.Variations = fields.Whole("variations");
            if (fields.Has("streams")) read.Streams = fields.Whole("streams");
            if (fields.Has("agents")) read.Agents = fields.Whole("agents");
            if (fields.Has("replan_least")) read.ReplanLeast = fields.Whole("replan_least");
            if (fields.Has("replan_most")) read.ReplanMost = fields.Whole("replan_most");
            if (fields.Has("speed_most")) read.SpeedMost = fields.Number("speed_most");
            if (fields.Has("joints")) read.Joints = fields.Whole("joints");
            if (fields.Has("sessions")) read.Sessions = fields.Whole("sessions");
            if (fields.Has("messages_per_s")) read.MessagesPerS = fields.Whole("messages_per_s");
            if (fields.Has("bytes_per_s")) read.BytesPerS = fields.Whole("bytes_per_s");
            return read;
        }
    }

    /// <summary>Who the server is and what it can do.</summary>
    public sealed class Welcome : Message
    {
        /// <summary>The field `server`.</summary>
        public string Server = "";

        /// <summary>The field `bundle`.</summary>
        public string Bundle = "";

        /// <summary>The field `bundle_version`.</summary>
        public string BundleVersion = "";

        /// <summary>The field `licence`.</summary>
        public string Licence = "";

        /// <summary>The field `tasks`.</summary>
        public Task[] Tasks = Array.Empty<Task>();

        /// <summary>The field `fps`.</summary>
        public double Fps;

        /// <summary>The field `limits`.</summary>
        public Limits Limits;

        /// <summary>The field `skeleton`.</summary>
        public string Skeleton = "";

        /// <summary>The field `joints`; shape (J).</summary>
        public string[] Joints = Array.Empty<string>();

        /// <summary>The field `parents`; shape (J).</summary>
        public long[] Parents = Array.Empty<long>();

        /// <summary>The field `offsets`; shape (J, 3).</summary>
        public Floats Offsets;

        /// <summary>What it can do beyond version 1.0: variations, captions, rigs, deadlines, streams, watching</summary>
        public string[] Capabilities = Array.Empty<string>();

        /// <summary>How often each side says something; 0: no such promise</summary>
        public double HeartbeatS;

        /// <summary>Heartbeats after which the silent side is taken for gone</summary>
        public long Missed;

        /// <summary>Where watchers connect, on the same host; 0: nowhere</summary>
        public long WatchPort;

        /// <inheritdoc/>
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

        internal static Welcome Read(Fields fields)
        {
            var read = new Welcome();
            read.Server = fields.Text("server");
            read.Bundle = fields.Text("bundle");
            read.BundleVersion = fields.Text("bundle_version");
            read.Licence = fields.Text("licence");
            read.Tasks = fields.Inners("tasks", Task.Read);
            read.Fps = fields.Number("fps");
            read.Limits = Limits.Read(fields.Inner("limits"));
            read.Skeleton = fields.Text("skeleton");
            read.Joints = fields.Texts("joints", 'J');
            read.Parents = fields.Wholes("parents", 'J');
            read.Offsets = fields.Array("offsets", 'J', (char)3);
            if (fields.Has("capabilities")) read.Capabilities = fields.Texts("capabilities");
            if (fields.Has("heartbeat_s")) read.HeartbeatS = fields.Number("heartbeat_s");
            if (fields.Has("missed")) read.Missed = fields.Whole("missed");
            if (fields.Has("watch_port")) read.WatchPort = fields.Whole("watch_port");
            return read;
        }
    }

    /// <summary>The request is in; `position` requests are ahead of it. `seed` is the one it will use.</summary>
    public sealed class Accepted : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `position`.</summary>
        public long Position;

        /// <summary>The field `seed`.</summary>
        public long Seed;

        /// <inheritdoc/>
        public override string Kind => "accepted";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("position", Position);
            header.Count("seed", Seed);
        }

        internal static Accepted Read(Fields fields)
        {
            var read = new Accepted();
            read.Id = fields.Id("id");
            read.Position = fields.Count("position");
            read.Seed = fields.Count("seed");
            return read;
        }
    }

    /// <summary>Work that was really done: `done` of `total` steps of `stage` ("queued", "reading", "tokens", "caption").</summary>
    public sealed class Progress : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `stage`.</summary>
        public string Stage = "";

        /// <summary>The field `done`.</summary>
        public long Done;

        /// <summary>The field `total`.</summary>
        public long Total;

        /// <summary>The field `position`.</summary>
        public long Position;

        /// <inheritdoc/>
        public override string Kind => "progress";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Text("stage", Stage);
            header.Count("done", Done);
            header.Count("total", Total);
            header.Count("position", Position);
        }

        internal static Progress Read(Fields fields)
        {
            var read = new Progress();
            read.Id = fields.Id("id");
            read.Stage = fields.Text("stage");
            read.Done = fields.Count("done");
            read.Total = fields.Count("total");
            if (fields.Has("position")) read.Position = fields.Count("position");
            return read;
        }
    }

    /// <summary>New orders are taken: frames of `agent` from index `frame` on follow them.</summary>
    public sealed class Steered : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `agent`.</summary>
        public long Agent;

        /// <summary>The field `frame`.</summary>
        public long Frame;

        /// <inheritdoc/>
        public override string Kind => "steered";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("agent", Agent);
            header.Count("frame", Frame);
        }

        internal static Steered Read(Fields fields)
        {
            var read = new Steered();
            read.Id = fields.Id("id");
            read.Agent = fields.Count("agent");
            read.Frame = fields.Count("frame");
            return read;
        }
    }

    /// <summary>A run of finished frames, never to be rewritten.</summary>
    public sealed class Frames : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `sequence`.</summary>
        public long Sequence;

        /// <summary>The field `first`.</summary>
        public long First;

        /// <summary>The field `fps`.</summary>
        public double Fps;

        /// <summary>The field `clock`.</summary>
        public double Clock;

        /// <summary>The field `root`; shape (T, 3).</summary>
        public Floats Root;

        /// <summary>The field `rotations`; shape (T, J, 4).</summary>
        public Floats Rotations;

        /// <summary>The field `contacts`; shape (T, 4).</summary>
        public Floats Contacts;

        /// <summary>The field `variation`.</summary>
        public long Variation;

        /// <summary>The field `agent`.</summary>
        public long Agent;

        /// <summary>Frames of a live session that this client was too slow for, right before these</summary>
        public long Lost;

        /// <inheritdoc/>
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

        internal static Frames Read(Fields fields)
        {
            var read = new Frames();
            read.Id = fields.Id("id");
            read.Sequence = fields.Count("sequence");
            read.First = fields.Count("first");
            read.Fps = fields.Number("fps");
            read.Clock = fields.Number("clock");
            read.Root = fields.Array("root", 'T', (char)3);
            read.Rotations = fields.Array("rotations", 'T', 'J', (char)4);
            read.Contacts = fields.Array("contacts", 'T', (char)4);
            if (fields.Has("variation")) read.Variation = fields.Whole("variation");
            if (fields.Has("agent")) read.Agent = fields.Whole("agent");
            if (fields.Has("lost")) read.Lost = fields.Whole("lost");
            return read;
        }
    }

    /// <summary>A piece of text, to be appended to those before it.</summary>
    public sealed class Text : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `sequence`.</summary>
        public long Sequence;

        /// <summary>The field `text`.</summary>
        public string Content = "";

        /// <summary>The field `variation`.</summary>
        public long Variation;

        /// <inheritdoc/>
        public override string Kind => "text";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Count("sequence", Sequence);
            header.Text("text", Content);
            if (Variation != 0) header.Whole("variation", Variation);
        }

        internal static Text Read(Fields fields)
        {
            var read = new Text();
            read.Id = fields.Id("id");
            read.Sequence = fields.Count("sequence");
            read.Content = fields.Text("text");
            if (fields.Has("variation")) read.Variation = fields.Whole("variation");
            return read;
        }
    }

    /// <summary>The request is finished. Times count from its arrival at the server.</summary>
    public sealed class Done : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `tokens`.</summary>
        public long Tokens;

        /// <summary>The field `frames`.</summary>
        public long Frames;

        /// <summary>The field `text`.</summary>
        public string Content = "";

        /// <summary>The field `queued_s`.</summary>
        public double QueuedS;

        /// <summary>The field `first_token_s`.</summary>
        public double FirstTokenS;

        /// <summary>Until the first frames, or the first piece of text, were ready</summary>
        public double FirstOutputS;

        /// <summary>The field `total_s`.</summary>
        public double TotalS;

        /// <summary>Seconds of motion made per second of work, queueing not counted; 0 where no motion was made</summary>
        public double RealtimeFactor;

        /// <summary>What each variation shows, where that was asked for</summary>
        public string[] Captions = Array.Empty<string>();

        /// <summary>Whether the same request had been answered before</summary>
        public bool Cached;

        /// <inheritdoc/>
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

        internal static Done Read(Fields fields)
        {
            var read = new Done();
            read.Id = fields.Id("id");
            read.Tokens = fields.Count("tokens");
            read.Frames = fields.Count("frames");
            read.Content = fields.Text("text");
            read.QueuedS = fields.Number("queued_s");
            read.FirstTokenS = fields.Number("first_token_s");
            read.FirstOutputS = fields.Number("first_output_s");
            read.TotalS = fields.Number("total_s");
            read.RealtimeFactor = fields.Number("realtime_factor");
            if (fields.Has("captions")) read.Captions = fields.Texts("captions");
            if (fields.Has("cached")) read.Cached = fields.Flag("cached");
            return read;
        }
    }

    /// <summary>The request, or with id "" the message just sent, came to nothing.</summary>
    public sealed class Error : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `code`.</summary>
        public string Code = "";

        /// <summary>The field `message`.</summary>
        public string Message = "";

        /// <summary>The field `retry`.</summary>
        public bool Retry;

        /// <summary>The field `retry_after_s`; null: absent.</summary>
        public double? RetryAfterS;

        /// <inheritdoc/>
        public override string Kind => "error";

        internal override void Write(Header header)
        {
            header.Text("id", Id);
            header.Text("code", Code);
            header.Text("message", Message);
            header.Flag("retry", Retry);
            if (RetryAfterS.HasValue) header.Number("retry_after_s", RetryAfterS.Value);
        }

        internal static Error Read(Fields fields)
        {
            var read = new Error();
            read.Id = fields.Text("id");
            read.Code = fields.Text("code");
            read.Message = fields.Text("message");
            read.Retry = fields.Flag("retry");
            if (fields.Has("retry_after_s")) read.RetryAfterS = fields.Number("retry_after_s");
            return read;
        }
    }

    /// <summary>I am here; `asked` is the clock of the Ping, `clock` one's own.</summary>
    public sealed class Pong : Message
    {
        /// <summary>The field `asked`.</summary>
        public double Asked;

        /// <summary>The field `clock`.</summary>
        public double Clock;

        /// <summary>One's own clock when the Ping came; `clock` is that of the answer's leaving; null: absent.</summary>
        public double? Received;

        /// <inheritdoc/>
        public override string Kind => "pong";

        internal override void Write(Header header)
        {
            header.Number("asked", Asked);
            header.Number("clock", Clock);
            if (Received.HasValue) header.Number("received", Received.Value);
        }

        internal static Pong Read(Fields fields)
        {
            var read = new Pong();
            read.Asked = fields.Number("asked");
            read.Clock = fields.Number("clock");
            if (fields.Has("received")) read.Received = fields.Number("received");
            return read;
        }
    }

    /// <summary>Counters since the server started; what never shrinks is named in the past tense.</summary>
    public sealed class Statistics : Message
    {
        /// <summary>The field `clock`.</summary>
        public double Clock;

        /// <summary>The field `uptime_s`.</summary>
        public double UptimeS;

        /// <summary>The field `sessions`.</summary>
        public long Sessions;

        /// <summary>The field `waiting`.</summary>
        public long Waiting;

        /// <summary>The field `running`.</summary>
        public long Running;

        /// <summary>The field `accepted`.</summary>
        public long Accepted;

        /// <summary>The field `finished`.</summary>
        public long Finished;

        /// <summary>The field `cancelled`.</summary>
        public long Cancelled;

        /// <summary>The field `failed`.</summary>
        public long Failed;

        /// <summary>Language-model steps done</summary>
        public long Tokens;

        /// <summary>Frames made</summary>
        public long Frames;

        /// <summary>The field `streams`.</summary>
        public long Streams;

        /// <summary>The field `watchers`.</summary>
        public long Watchers;

        /// <summary>Messages that were none, or asked for what cannot be</summary>
        public long Refused;

        /// <summary>Requests answered from the cache</summary>
        public long Cached;

        /// <summary>Frames of live sessions that slow clients did not get</summary>
        public long Lost;

        /// <summary>Worker processes that had to be replaced</summary>
        public long Restarts;

        /// <inheritdoc/>
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

        internal static Statistics Read(Fields fields)
        {
            var read = new Statistics();
            read.Clock = fields.Number("clock");
            read.UptimeS = fields.Number("uptime_s");
            read.Sessions = fields.Count("sessions");
            read.Waiting = fields.Count("waiting");
            read.Running = fields.Count("running");
            read.Accepted = fields.Count("accepted");
            read.Finished = fields.Count("finished");
            read.Cancelled = fields.Count("cancelled");
            read.Failed = fields.Count("failed");
            read.Tokens = fields.Count("tokens");
            read.Frames = fields.Count("frames");
            if (fields.Has("streams")) read.Streams = fields.Whole("streams");
            if (fields.Has("watchers")) read.Watchers = fields.Whole("watchers");
            if (fields.Has("refused")) read.Refused = fields.Whole("refused");
            if (fields.Has("cached")) read.Cached = fields.Whole("cached");
            if (fields.Has("lost")) read.Lost = fields.Whole("lost");
            if (fields.Has("restarts")) read.Restarts = fields.Whole("restarts");
            return read;
        }
    }

    /// <summary>One client that is connected.</summary>
    public sealed class Peer
    {
        /// <summary>The field `client`.</summary>
        public string Client = "";

        /// <summary>The field `age_s`.</summary>
        public double AgeS;

        /// <summary>Since it was last heard</summary>
        public double IdleS;

        /// <summary>The field `requests`.</summary>
        public long Requests;

        /// <summary>The field `streams`.</summary>
        public long Streams;

        /// <summary>The field `frames`.</summary>
        public long Frames;

        /// <summary>The field `bytes_in`.</summary>
        public long BytesIn;

        /// <summary>The field `bytes_out`.</summary>
        public long BytesOut;

        /// <summary>The field `refused`.</summary>
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

        internal static Peer Read(Fields fields)
        {
            var read = new Peer();
            read.Client = fields.Text("client");
            read.AgeS = fields.Number("age_s");
            read.IdleS = fields.Number("idle_s");
            read.Requests = fields.Count("requests");
            read.Streams = fields.Count("streams");
            read.Frames = fields.Count("frames");
            read.BytesIn = fields.Count("bytes_in");
            read.BytesOut = fields.Count("bytes_out");
            read.Refused = fields.Count("refused");
            return read;
        }
    }

    /// <summary>One live session that is running.</summary>
    public sealed class Show
    {
        /// <summary>The field `publish`.</summary>
        public string Publish = "";

        /// <summary>The field `client`.</summary>
        public string Client = "";

        /// <summary>The field `agents`.</summary>
        public long Agents;

        /// <summary>The field `fps`.</summary>
        public double Fps;

        /// <summary>The field `frames`.</summary>
        public long Frames;

        /// <summary>Frames made and not yet sent, of the agent that has fewest</summary>
        public long Ahead;

        /// <summary>By how much the last second's frames left late at most</summary>
        public double LateMs;

        /// <summary>The field `watchers`.</summary>
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

        internal static Show Read(Fields fields)
        {
            var read = new Show();
            read.Publish = fields.Text("publish");
            read.Client = fields.Text("client");
            read.Agents = fields.Count("agents");
            read.Fps = fields.Number("fps");
            read.Frames = fields.Count("frames");
            read.Ahead = fields.Count("ahead");
            read.LateMs = fields.Number("late_ms");
            read.Watchers = fields.Count("watchers");
            return read;
        }
    }

    /// <summary>Who is there, and what can be watched.</summary>
    public sealed class Roster : Message
    {
        /// <summary>The field `clients`.</summary>
        public Peer[] Clients = Array.Empty<Peer>();

        /// <summary>The field `streams`.</summary>
        public Show[] Streams = Array.Empty<Show>();

        /// <inheritdoc/>
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

        internal static Roster Read(Fields fields)
        {
            var read = new Roster();
            read.Clients = fields.Inners("clients", Peer.Read);
            read.Streams = fields.Inners("streams", Show.Read);
            return read;
        }
    }

    /// <summary>What is to be seen under a published name.</summary>
    public sealed class Scene : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `agents`.</summary>
        public long Agents;

        /// <summary>The field `fps`.</summary>
        public double Fps;

        /// <summary>The field `clock`.</summary>
        public double Clock;

        /// <summary>The field `licence`.</summary>
        public string Licence = "";

        /// <summary>The field `skeleton`.</summary>
        public string Skeleton = "";

        /// <summary>The field `joints`; shape (J).</summary>
        public string[] Joints = Array.Empty<string>();

        /// <summary>The field `parents`; shape (J).</summary>
        public long[] Parents = Array.Empty<long>();

        /// <summary>The field `offsets`; shape (J, 3).</summary>
        public Floats Offsets;

        /// <inheritdoc/>
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

        internal static Scene Read(Fields fields)
        {
            var read = new Scene();
            read.Id = fields.Id("id");
            read.Agents = fields.Count("agents");
            read.Fps = fields.Number("fps");
            read.Clock = fields.Number("clock");
            read.Licence = fields.Text("licence");
            read.Skeleton = fields.Text("skeleton");
            read.Joints = fields.Texts("joints", 'J');
            read.Parents = fields.Wholes("parents", 'J');
            read.Offsets = fields.Array("offsets", 'J', (char)3);
            return read;
        }
    }

    /// <summary>Nothing more will come under this name.</summary>
    public sealed class Ended : Message
    {
        /// <summary>The field `id`.</summary>
        public string Id = "";

        /// <summary>The field `reason`.</summary>
        public string Reason = "";

        /// <inheritdoc/>
        public override string Kind => "ended";

        internal override void Write(Header header)
        {
            header.Id("id", Id);
            header.Text("reason", Reason);
        }

        internal static Ended Read(Fields fields)
        {
            var read = new Ended();
            read.Id = fields.Id("id");
            read.Reason = fields.Text("reason");
            return read;
        }
    }

    /// <summary>The server is alive.</summary>
    public sealed class Beat : Message
    {
        /// <summary>The field `clock`.</summary>
        public double Clock;

        /// <inheritdoc/>
        public override string Kind => "beat";

        internal override void Write(Header header)
        {
            header.Number("clock", Clock);
        }

        internal static Beat Read(Fields fields)
        {
            var read = new Beat();
            read.Clock = fields.Number("clock");
            return read;
        }
    }

    /// <summary>Messages by their name on the wire.</summary>
    internal static class Kinds
    {
        /// <summary>The message in these fields, or null where there is none of that name.</summary>
        internal static Message Read(string kind, Fields fields)
        {
            switch (kind)
            {
                case "hello": return Hello.Read(fields);
                case "generate": return Generate.Read(fields);
                case "open_stream": return OpenStream.Read(fields);
                case "steer": return Steer.Read(fields);
                case "close_stream": return CloseStream.Read(fields);
                case "ack": return Ack.Read(fields);
                case "cancel": return Cancel.Read(fields);
                case "ping": return Ping.Read(fields);
                case "stats": return Stats.Read(fields);
                case "who": return Who.Read(fields);
                case "close": return Close.Read(fields);
                case "welcome": return Welcome.Read(fields);
                case "accepted": return Accepted.Read(fields);
                case "progress": return Progress.Read(fields);
                case "steered": return Steered.Read(fields);
                case "frames": return Frames.Read(fields);
                case "text": return Text.Read(fields);
                case "done": return Done.Read(fields);
                case "error": return Error.Read(fields);
                case "pong": return Pong.Read(fields);
                case "statistics": return Statistics.Read(fields);
                case "roster": return Roster.Read(fields);
                case "scene": return Scene.Read(fields);
                case "ended": return Ended.Read(fields);
                case "beat": return Beat.Read(fields);
                default: return null;
            }
        }
    }
}
