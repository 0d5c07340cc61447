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
        public const byte Minor = 2;
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
    public sealed class Pose : Piece
    {
        /// <summary>Shape (T, J, 4).</summary>
        public Floats Rotations;
        /// <summary>Shape (T, 3).</summary>
        public Floats Root;

        internal override void Pass(Exchange fields)
        {
            fields.Array("rotations", ref Rotations, 'T', 'J', (char)4);
            fields.Array("root", ref Root, 'T', (char)3);
        }
    }

    /// <summary>A skeleton of the client's own: motion of the request is on it, and frames come on it.</summary>
    public sealed class Rig : Piece
    {
        public string Name = "";
        /// <summary>Shape (J).</summary>
        public string[] Joints = Array.Empty<string>();
        /// <summary>Shape (J).</summary>
        public long[] Parents = Array.Empty<long>();
        /// <summary>Shape (J, 3).</summary>
        public Floats Offsets;

        internal override void Pass(Exchange fields)
        {
            fields.Text("name", ref Name);
            fields.Texts("joints", ref Joints, 'J');
            fields.Wholes("parents", ref Parents, 'J');
            fields.Array("offsets", ref Offsets, 'J', (char)3);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Text("client", ref Client);
            fields.Count("window", ref Window);
            if (fields.Has("beats", Beats)) fields.Flag("beats", ref Beats);
        }
    }

    /// <summary>Do `task`; "auto": whichever of motion and an answer in words the text asks for. `seconds` and `seed` may be left to the server.</summary>
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

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Text("task", ref Task);
            if (fields.Has("text")) fields.Text("text", ref Content);
            if (fields.Has("seconds", Seconds.HasValue)) fields.Number("seconds", ref Seconds);
            if (fields.Has("seed", Seed.HasValue)) fields.Whole("seed", ref Seed);
            if (fields.HasInner("past", Past != null)) fields.Inner("past", ref Past);
            if (fields.HasInner("future", Future != null)) fields.Inner("future", ref Future);
            if (fields.HasInner("motion", Motion != null)) fields.Inner("motion", ref Motion);
            if (fields.Has("variations", Variations != 1)) fields.Whole("variations", ref Variations);
            if (fields.Has("caption", Caption)) fields.Flag("caption", ref Caption);
            if (fields.Has("deadline_s", DeadlineS.HasValue)) fields.Number("deadline_s", ref DeadlineS);
            if (fields.HasInner("rig", Rig != null)) fields.Inner("rig", ref Rig);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            if (fields.Has("text")) fields.Text("text", ref Content);
            if (fields.Has("seed", Seed.HasValue)) fields.Whole("seed", ref Seed);
            if (fields.Has("agents")) fields.Whole("agents", ref Agents);
            if (fields.Has("replan", Replan.HasValue)) fields.Whole("replan", ref Replan);
            if (fields.Has("publish", Publish != null)) fields.Text("publish", ref Publish);
            if (fields.HasInner("past", Past != null)) fields.Inner("past", ref Past);
            if (fields.HasArray("places")) fields.Array("places", ref Places, 'A', (char)3);
            if (fields.HasInner("rig", Rig != null)) fields.Inner("rig", ref Rig);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            if (fields.Has("agent", Agent.HasValue)) fields.Whole("agent", ref Agent);
            if (fields.Has("text", Content != null)) fields.Text("text", ref Content);
            if (fields.Has("speed", Speed.HasValue)) fields.Number("speed", ref Speed);
            if (fields.Has("heading", Heading.HasValue)) fields.Number("heading", ref Heading);
            if (fields.Has("target", Target != null)) fields.Numbers("target", ref Target, (char)2);
            if (fields.Has("free")) fields.Flag("free", ref Free);
            if (fields.Has("pause", Pause.HasValue)) fields.Flag("pause", ref Pause);
            if (fields.Has("replan", Replan.HasValue)) fields.Whole("replan", ref Replan);
        }
    }

    /// <summary>End a live session.</summary>
    public sealed class CloseStream : Message
    {
        public string Id = "";

        public override string Kind => "close_stream";

        internal override void Pass(Exchange fields) => fields.Id("id", ref Id);
    }

    /// <summary>The client has taken `frames` frames of the request, all told.</summary>
    public sealed class Ack : Message
    {
        public string Id = "";
        public long Frames;

        public override string Kind => "ack";

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Count("frames", ref Frames);
        }
    }

    /// <summary>Stop this request.</summary>
    public sealed class Cancel : Message
    {
        public string Id = "";

        public override string Kind => "cancel";

        internal override void Pass(Exchange fields) => fields.Id("id", ref Id);
    }

    /// <summary>Are you there? Either side may ask; `clock` is the asker's.</summary>
    public sealed class Ping : Message
    {
        public double Clock;

        public override string Kind => "ping";

        internal override void Pass(Exchange fields) => fields.Number("clock", ref Clock);
    }

    /// <summary>How is the server doing?</summary>
    public sealed class Stats : Message
    {
        public override string Kind => "stats";

        internal override void Pass(Exchange fields) { }
    }

    /// <summary>Who is there, and what can be watched?</summary>
    public sealed class Who : Message
    {
        public override string Kind => "who";

        internal override void Pass(Exchange fields) { }
    }

    /// <summary>The client leaves; what it asked for stops.</summary>
    public sealed class Close : Message
    {
        public override string Kind => "close";

        internal override void Pass(Exchange fields) { }
    }

    /// <summary>One thing the bundle can do: which fields of Generate it needs and may have, and what comes back.</summary>
    public sealed class Task : Piece
    {
        public string Name = "";
        public string[] Needs = Array.Empty<string>();
        public string[] Optional = Array.Empty<string>();
        /// <summary>Motion or text, or either of them.</summary>
        public string Gives = "";

        internal override void Pass(Exchange fields)
        {
            fields.Text("name", ref Name);
            fields.Texts("needs", ref Needs);
            fields.Texts("optional", ref Optional);
            fields.Text("gives", ref Gives);
        }
    }

    /// <summary>What the server allows one client. What a server of version 1.0 does not know is 0 here.</summary>
    public sealed class Limits : Piece
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

        internal override void Pass(Exchange fields)
        {
            fields.Count("text_characters", ref TextCharacters);
            fields.Number("seconds_least", ref SecondsLeast);
            fields.Number("seconds_most", ref SecondsMost);
            fields.Count("requests", ref Requests);
            fields.Count("queue", ref Queue);
            fields.Count("window", ref Window);
            if (fields.Has("variations", Variations != 0)) fields.Whole("variations", ref Variations);
            if (fields.Has("streams", Streams != 0)) fields.Whole("streams", ref Streams);
            if (fields.Has("agents", Agents != 0)) fields.Whole("agents", ref Agents);
            if (fields.Has("replan_least", ReplanLeast != 0)) fields.Whole("replan_least", ref ReplanLeast);
            if (fields.Has("replan_most", ReplanMost != 0)) fields.Whole("replan_most", ref ReplanMost);
            if (fields.Has("speed_most", SpeedMost != 0)) fields.Number("speed_most", ref SpeedMost);
            if (fields.Has("joints", Joints != 0)) fields.Whole("joints", ref Joints);
            if (fields.Has("sessions", Sessions != 0)) fields.Whole("sessions", ref Sessions);
            if (fields.Has("messages_per_s", MessagesPerS != 0)) fields.Whole("messages_per_s", ref MessagesPerS);
            if (fields.Has("bytes_per_s", BytesPerS != 0)) fields.Whole("bytes_per_s", ref BytesPerS);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Text("server", ref Server);
            fields.Text("bundle", ref Bundle);
            fields.Text("bundle_version", ref BundleVersion);
            fields.Text("licence", ref Licence);
            fields.Inners("tasks", ref Tasks);
            fields.Number("fps", ref Fps);
            fields.Inner("limits", ref Limits);
            fields.Text("skeleton", ref Skeleton);
            fields.Texts("joints", ref Joints, 'J');
            fields.Wholes("parents", ref Parents, 'J');
            fields.Array("offsets", ref Offsets, 'J', (char)3);
            if (fields.Has("capabilities", Capabilities.Length != 0)) fields.Texts("capabilities", ref Capabilities);
            if (fields.Has("heartbeat_s", HeartbeatS != 0)) fields.Number("heartbeat_s", ref HeartbeatS);
            if (fields.Has("missed", Missed != 0)) fields.Whole("missed", ref Missed);
            if (fields.Has("watch_port", WatchPort != 0)) fields.Whole("watch_port", ref WatchPort);
        }
    }

    /// <summary>The request is in; `position` requests are ahead of it. `seed` is the one it will use.</summary>
    public sealed class Accepted : Message
    {
        public string Id = "";
        public long Position;
        public long Seed;

        public override string Kind => "accepted";

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Count("position", ref Position);
            fields.Count("seed", ref Seed);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Text("stage", ref Stage);
            fields.Count("done", ref Done);
            fields.Count("total", ref Total);
            if (fields.Has("position")) fields.Count("position", ref Position);
        }
    }

    /// <summary>New orders are taken: frames of `agent` from index `frame` on follow them.</summary>
    public sealed class Steered : Message
    {
        public string Id = "";
        public long Agent;
        public long Frame;

        public override string Kind => "steered";

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Count("agent", ref Agent);
            fields.Count("frame", ref Frame);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Count("sequence", ref Sequence);
            fields.Count("first", ref First);
            fields.Number("fps", ref Fps);
            fields.Number("clock", ref Clock);
            fields.Array("root", ref Root, 'T', (char)3);
            fields.Array("rotations", ref Rotations, 'T', 'J', (char)4);
            fields.Array("contacts", ref Contacts, 'T', (char)4);
            if (fields.Has("variation", Variation != 0)) fields.Whole("variation", ref Variation);
            if (fields.Has("agent", Agent != 0)) fields.Whole("agent", ref Agent);
            if (fields.Has("lost", Lost != 0)) fields.Whole("lost", ref Lost);
        }
    }

    /// <summary>A piece of text, to be appended to those before it.</summary>
    public sealed class Text : Message
    {
        public string Id = "";
        public long Sequence;
        public string Content = "";
        public long Variation;

        public override string Kind => "text";

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Count("sequence", ref Sequence);
            fields.Text("text", ref Content);
            if (fields.Has("variation", Variation != 0)) fields.Whole("variation", ref Variation);
        }
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
        /// <summary>What was done: the request's task, or what "auto" chose.</summary>
        public string Task = "";
        /// <summary>How near the sentence lies to what was learned, 0 to 1, where that is known; null: absent.</summary>
        public double? Familiar;
        /// <summary>Up to three things that the bundle can do and that lie nearest to the sentence, in words.</summary>
        public string[] Nearest = Array.Empty<string>();

        public override string Kind => "done";

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Count("tokens", ref Tokens);
            fields.Count("frames", ref Frames);
            fields.Text("text", ref Content);
            fields.Number("queued_s", ref QueuedS);
            fields.Number("first_token_s", ref FirstTokenS);
            fields.Number("first_output_s", ref FirstOutputS);
            fields.Number("total_s", ref TotalS);
            fields.Number("realtime_factor", ref RealtimeFactor);
            if (fields.Has("captions", Captions.Length != 0)) fields.Texts("captions", ref Captions);
            if (fields.Has("cached", Cached)) fields.Flag("cached", ref Cached);
            if (fields.Has("task", Task != "")) fields.Text("task", ref Task);
            if (fields.Has("familiar", Familiar.HasValue)) fields.Number("familiar", ref Familiar);
            if (fields.Has("nearest", Nearest.Length != 0)) fields.Texts("nearest", ref Nearest);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Text("id", ref Id);
            fields.Text("code", ref Code);
            fields.Text("message", ref Message);
            fields.Flag("retry", ref Retry);
            if (fields.Has("retry_after_s", RetryAfterS.HasValue)) fields.Number("retry_after_s", ref RetryAfterS);
        }
    }

    /// <summary>I am here; `asked` is the clock of the Ping, `clock` one's own.</summary>
    public sealed class Pong : Message
    {
        public double Asked;
        public double Clock;
        /// <summary>One's own clock when the Ping came; `clock` is that of the answer's leaving; null: absent.</summary>
        public double? Received;

        public override string Kind => "pong";

        internal override void Pass(Exchange fields)
        {
            fields.Number("asked", ref Asked);
            fields.Number("clock", ref Clock);
            if (fields.Has("received", Received.HasValue)) fields.Number("received", ref Received);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Number("clock", ref Clock);
            fields.Number("uptime_s", ref UptimeS);
            fields.Count("sessions", ref Sessions);
            fields.Count("waiting", ref Waiting);
            fields.Count("running", ref Running);
            fields.Count("accepted", ref Accepted);
            fields.Count("finished", ref Finished);
            fields.Count("cancelled", ref Cancelled);
            fields.Count("failed", ref Failed);
            fields.Count("tokens", ref Tokens);
            fields.Count("frames", ref Frames);
            if (fields.Has("streams", Streams != 0)) fields.Whole("streams", ref Streams);
            if (fields.Has("watchers", Watchers != 0)) fields.Whole("watchers", ref Watchers);
            if (fields.Has("refused", Refused != 0)) fields.Whole("refused", ref Refused);
            if (fields.Has("cached", Cached != 0)) fields.Whole("cached", ref Cached);
            if (fields.Has("lost", Lost != 0)) fields.Whole("lost", ref Lost);
            if (fields.Has("restarts", Restarts != 0)) fields.Whole("restarts", ref Restarts);
        }
    }

    /// <summary>One client that is connected.</summary>
    public sealed class Peer : Piece
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

        internal override void Pass(Exchange fields)
        {
            fields.Text("client", ref Client);
            fields.Number("age_s", ref AgeS);
            fields.Number("idle_s", ref IdleS);
            fields.Count("requests", ref Requests);
            fields.Count("streams", ref Streams);
            fields.Count("frames", ref Frames);
            fields.Count("bytes_in", ref BytesIn);
            fields.Count("bytes_out", ref BytesOut);
            fields.Count("refused", ref Refused);
        }
    }

    /// <summary>One live session that is running.</summary>
    public sealed class Show : Piece
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

        internal override void Pass(Exchange fields)
        {
            fields.Text("publish", ref Publish);
            fields.Text("client", ref Client);
            fields.Count("agents", ref Agents);
            fields.Number("fps", ref Fps);
            fields.Count("frames", ref Frames);
            fields.Count("ahead", ref Ahead);
            fields.Number("late_ms", ref LateMs);
            fields.Count("watchers", ref Watchers);
        }
    }

    /// <summary>Who is there, and what can be watched.</summary>
    public sealed class Roster : Message
    {
        public Peer[] Clients = Array.Empty<Peer>();
        public Show[] Streams = Array.Empty<Show>();

        public override string Kind => "roster";

        internal override void Pass(Exchange fields)
        {
            fields.Inners("clients", ref Clients);
            fields.Inners("streams", ref Streams);
        }
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

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Count("agents", ref Agents);
            fields.Number("fps", ref Fps);
            fields.Number("clock", ref Clock);
            fields.Text("licence", ref Licence);
            fields.Text("skeleton", ref Skeleton);
            fields.Texts("joints", ref Joints, 'J');
            fields.Wholes("parents", ref Parents, 'J');
            fields.Array("offsets", ref Offsets, 'J', (char)3);
        }
    }

    /// <summary>Nothing more will come under this name.</summary>
    public sealed class Ended : Message
    {
        public string Id = "";
        public string Reason = "";

        public override string Kind => "ended";

        internal override void Pass(Exchange fields)
        {
            fields.Id("id", ref Id);
            fields.Text("reason", ref Reason);
        }
    }

    /// <summary>The server is alive.</summary>
    public sealed class Beat : Message
    {
        public double Clock;

        public override string Kind => "beat";

        internal override void Pass(Exchange fields) => fields.Number("clock", ref Clock);
    }

    /// <summary>Messages by their name on the wire.</summary>
    internal static class Kinds
    {
        /// <summary>An empty message of that name, or null where there is none.</summary>
        internal static Message New(string kind) => kind switch
        {
            "hello" => new Hello(),
            "generate" => new Generate(),
            "open_stream" => new OpenStream(),
            "steer" => new Steer(),
            "close_stream" => new CloseStream(),
            "ack" => new Ack(),
            "cancel" => new Cancel(),
            "ping" => new Ping(),
            "stats" => new Stats(),
            "who" => new Who(),
            "close" => new Close(),
            "welcome" => new Welcome(),
            "accepted" => new Accepted(),
            "progress" => new Progress(),
            "steered" => new Steered(),
            "frames" => new Frames(),
            "text" => new Text(),
            "done" => new Done(),
            "error" => new Error(),
            "pong" => new Pong(),
            "statistics" => new Statistics(),
            "roster" => new Roster(),
            "scene" => new Scene(),
            "ended" => new Ended(),
            "beat" => new Beat(),
            _ => null,
        };
    }
}
