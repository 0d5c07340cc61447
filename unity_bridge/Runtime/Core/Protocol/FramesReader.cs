using System;

namespace Motus.Protocol
{
    /// <summary>Reads `frames` without making garbage; other messages are `Wire`'s.</summary>
    public sealed class FramesReader
    {
        private const int Root = 0, Rotations = 1, Contacts = 2, Known = 3;

        private readonly int[] _part = new int[Known];
        private readonly int[] _axes = new int[Known];
        private readonly int[] _shape = new int[Known * Version.Axes];
        private readonly int[] _size = new int[Version.Axes];
        private int _came;

        /// <summary>Whether these parts are `frames` at all; nothing else of them is looked at.</summary>
        public static bool Are(Parts parts)
        {
            if (parts.Count < 2) return false;
            var json = new JsonReader(parts[1]);
            if (json.Read() != Token.Object) return false;
            while (json.Read() == Token.Name)
            {
                if (json.Is("kind")) return json.Read() == Token.Text && json.Is("frames");
                if (!json.SkipValue()) return false;
            }
            return false;
        }

        /// <summary>Read the message into `into`; null where all is well, else what is wrong, in a sentence.</summary>
        public string Read(Parts parts, FramePacket into)
        {
            var fault = Mark.Fault(parts);
            if (fault != null) return fault;
            if (!JsonText.Valid(parts[1])) return "the header is not UTF-8";
            return ReadHeader(parts, into) ? Copy(parts, into) : "a 'frames' whose header is not as it should be";
        }

        private bool ReadHeader(Parts parts, FramePacket into)
        {
            into.IdLength = 0;
            into.Variation = into.Agent = 0;
            into.Lost = 0;
            _part.AsSpan().Clear();
            _came = 0;
            var rows = 0;
            var json = new JsonReader(parts[1]);
            if (json.Read() != Token.Object) return false;
            Token token;
            while ((token = json.Read()) == Token.Name)
            {
                if (json.Is("kind")) { if (json.Read() != Token.Text || !json.Is("frames")) return false; }
                else if (json.Is("id")) { if (json.Read() != Token.Text || !CopyId(json.Raw, into)) return false; }
                else if (json.Is("sequence")) { if (!Count(ref json, 1, out into.Sequence)) return false; }
                else if (json.Is("first")) { if (!Count(ref json, 2, out into.First)) return false; }
                else if (json.Is("fps")) { if (json.Read() != Token.Number) return false; into.Fps = json.Number; _came |= 4; }
                else if (json.Is("clock")) { if (json.Read() != Token.Number) return false; into.Clock = json.Number; _came |= 8; }
                else if (json.Is("variation")) { if (!Count(ref json, 0, out var n)) return false; into.Variation = (int)n; }
                else if (json.Is("agent")) { if (!Count(ref json, 0, out var n)) return false; into.Agent = (int)n; }
                else if (json.Is("lost")) { if (!Count(ref json, 0, out into.Lost)) return false; }
                else if (json.Is("buffers")) { rows = ReadTable(ref json, parts); if (rows < 0) return false; }
                else if (!json.SkipValue()) return false;
            }
            return token == Token.ObjectEnd && json.Read() == Token.End && rows == parts.Count - 2 && _came == 15 && into.IdLength > 0 && into.Fps > 0;
        }

        /// <summary>How many rows there are, or -1.</summary>
        private int ReadTable(ref JsonReader json, Parts parts)
        {
            if (json.Read() != Token.List) return -1;
            var row = 0;
            Token token;
            while ((token = json.Read()) == Token.Object)
            {
                if (row + 2 >= parts.Count || !ReadRow(ref json, parts, row + 2)) return -1;
                row++;
            }
            return token == Token.ListEnd ? row : -1;
        }

        private bool ReadRow(ref JsonReader json, Parts parts, int part)
        {
            int which = -1, axes = -1, size = 0;
            var floats = false;
            Token token;
            while ((token = json.Read()) == Token.Name)
            {
                if (json.Is("name"))
                {
                    if (json.Read() != Token.Text || json.Raw.Length < 1) return false;
                    which = json.Is("root") ? Root : json.Is("rotations") ? Rotations : json.Is("contacts") ? Contacts : Known;
                }
                else if (json.Is("dtype"))
                {
                    if (json.Read() != Token.Text) return false;
                    floats = json.Is("f32");
                    size = floats || json.Is("i32") ? 4 : json.Is("f64") || json.Is("i64") ? 8 : json.Is("u8") ? 1 : 0;
                }
                else if (json.Is("shape"))
                {
                    axes = ReadShape(ref json);
                    if (axes < 0) return false;
                }
                else if (!json.SkipValue())
                {
                    return false;
                }
            }
            if (token != Token.ObjectEnd || which < 0 || axes < 0 || !Fits(axes, size, parts.Length(part))) return false;
            if (which == Known) return true;
            if (!floats || _part[which] != 0 || !Dtype.Finite(parts[part])) return false;
            _part[which] = part;
            _axes[which] = axes;
            for (var axis = 0; axis < axes; axis++) _shape[which * Version.Axes + axis] = _size[axis];
            return true;
        }

        private int ReadShape(ref JsonReader json)
        {
            if (json.Read() != Token.List) return -1;
            var axes = 0;
            Token token;
            while ((token = json.Read()) == Token.Number)
            {
                if (axes == Version.Axes || !json.Whole || json.Number < 0 || json.Number > Version.PartBytes) return -1;
                _size[axes++] = (int)json.Number;
            }
            return token == Token.ListEnd ? axes : -1;
        }

        private bool Fits(int axes, int size, int bytes)
        {
            long wanted = size, room = 1;
            for (var axis = 0; axis < axes; axis++)
            {
                wanted *= _size[axis];
                room *= Math.Max(1, _size[axis]);
                if (room > Version.PartBytes) return false;
            }
            return size > 0 && wanted == bytes && bytes <= Version.PartBytes;
        }

        private string Copy(Parts parts, FramePacket into)
        {
            for (var which = 0; which < Known; which++)
            {
                if (_part[which] == 0) return "a 'frames' lacks a buffer";
            }
            int frames = Side(Root, 0), joints = Side(Rotations, 1);
            var fits = _axes[Root] == 2 && Side(Root, 1) == 3 && _axes[Rotations] == 3 && Side(Rotations, 0) == frames
                && Side(Rotations, 2) == 4 && _axes[Contacts] == 2 && Side(Contacts, 0) == frames && Side(Contacts, 1) == 4;
            if (!fits) return "the buffers of a 'frames' do not fit each other";
            into.Size(frames, joints);
            Buffer.BlockCopy(parts.Bytes, parts.Start(_part[Root]), into.Root, 0, frames * 12);
            Buffer.BlockCopy(parts.Bytes, parts.Start(_part[Rotations]), into.Rotations, 0, frames * joints * 16);
            Buffer.BlockCopy(parts.Bytes, parts.Start(_part[Contacts]), into.Contacts, 0, frames * 16);
            return null;
        }

        private int Side(int which, int axis) => _shape[which * Version.Axes + axis];

        private bool Count(ref JsonReader json, int bit, out long value)
        {
            var token = json.Read();
            value = 0;
            if (token == Token.Null) return bit == 0;
            var whole = token == Token.Number && json.Number >= 0 && json.Number <= 9007199254740992.0;
            value = whole ? (long)json.Number : 0;
            _came |= bit;
            return whole && value == json.Number;
        }

        private static bool CopyId(Slice raw, FramePacket into)
        {
            if (raw.Length < 1 || raw.Length > into.Id.Length) return false;
            for (var at = 0; at < raw.Length; at++)
            {
                var letter = raw[at];
                var plain = letter >= 'a' && letter <= 'z' || letter >= 'A' && letter <= 'Z' || letter >= '0' && letter <= '9';
                if (!plain && letter != '.' && letter != '_' && letter != '-') return false;
            }
            Buffer.BlockCopy(raw.Bytes, raw.Start, into.Id, 0, raw.Length);
            into.IdLength = raw.Length;
            return true;
        }
    }
}
