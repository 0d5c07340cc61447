using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Motus.Protocol
{
    /// <summary>A message while it is written: its header as JSON, its buffers behind it.</summary>
    internal sealed class Header
    {
        private readonly StringBuilder _json = new StringBuilder("{");
        private readonly StringBuilder _table = new StringBuilder();
        private readonly List<byte[]> _buffers = new List<byte[]>();
        private readonly Stack<int> _begun = new Stack<int>();
        private readonly Stack<string> _path = new Stack<string>();

        public Header(string kind) => Text("kind", kind);

        public void Id(string name, string value) => Text(name, value);

        public void Text(string name, string value)
        {
            Name(name);
            Quote(value);
        }

        public void Whole(string name, long value)
        {
            Name(name);
            _json.Append(value.ToString(CultureInfo.InvariantCulture));
        }

        public void Count(string name, long value) => Whole(name, value);

        public void Number(string name, double value)
        {
            Name(name);
            _json.Append(Written(value));
        }

        public void Flag(string name, bool value)
        {
            Name(name);
            _json.Append(value ? "true" : "false");
        }

        public void Texts(string name, string[] values)
        {
            BeginList(name);
            foreach (var value in values)
            {
                Comma();
                Quote(value);
            }
            EndList();
        }

        public void Wholes(string name, long[] values)
        {
            BeginList(name);
            foreach (var value in values)
            {
                Comma();
                _json.Append(value.ToString(CultureInfo.InvariantCulture));
            }
            EndList();
        }

        public void Numbers(string name, double[] values)
        {
            BeginList(name);
            foreach (var value in values)
            {
                Comma();
                _json.Append(Written(value));
            }
            EndList();
        }

        /// <summary>A buffer; null does not travel.</summary>
        public void Array(string name, Floats values)
        {
            if (values == null) return;
            var bytes = new byte[values.Data.Length * sizeof(float)];
            Buffer.BlockCopy(values.Data, 0, bytes, 0, bytes.Length);
            _buffers.Add(bytes);
            if (_table.Length > 0) _table.Append(',');
            _table.Append("{\"name\":\"");
            foreach (var part in Reversed(_path)) _table.Append(part).Append('.');
            _table.Append(name).Append("\",\"dtype\":\"f32\",\"shape\":[").Append(string.Join(",", values.Shape)).Append("]}");
        }

        /// <summary>A field that is an object; it is left out where nothing is written into it.</summary>
        public void Begin(string name)
        {
            _begun.Push(_json.Length);
            _path.Push(name);
            Name(name);
            _json.Append('{');
        }

        public void BeginItem()
        {
            _begun.Push(-1);
            _path.Push("");
            Comma();
            _json.Append('{');
        }

        public void End()
        {
            var begun = _begun.Pop();
            _path.Pop();
            if (begun >= 0 && _json[_json.Length - 1] == '{') _json.Length = begun;
            else _json.Append('}');
        }

        public void BeginList(string name)
        {
            Name(name);
            _json.Append('[');
        }

        public void EndList() => _json.Append(']');

        /// <summary>The parts.</summary>
        public byte[][] Seal()
        {
            if (_buffers.Count > 0) _json.Append(",\"buffers\":[").Append(_table).Append(']');
            _json.Append('}');
            var parts = new byte[_buffers.Count + 2][];
            parts[0] = Mark.Bytes;
            parts[1] = Encoding.UTF8.GetBytes(_json.ToString());
            _buffers.CopyTo(parts, 2);
            return parts;
        }

        private static IEnumerable<string> Reversed(Stack<string> path)
        {
            var parts = path.ToArray();
            System.Array.Reverse(parts);
            return parts;
        }

        /// <summary>As Python writes it: the shortest that is read as the same number, and always with a point.</summary>
        private static string Written(double value)
        {
            if (double.IsNaN(value) || double.IsInfinity(value)) throw new ArgumentException("every number on the wire is finite");
            var text = value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');
            return text.IndexOfAny(new[] { '.', 'e' }) < 0 ? text + ".0" : text;
        }

        private void Name(string name)
        {
            Comma();
            Quote(name);
            _json.Append(':');
        }

        private void Comma()
        {
            var last = _json[_json.Length - 1];
            if (last != '{' && last != '[') _json.Append(',');
        }

        private void Quote(string text)
        {
            _json.Append('"');
            foreach (var letter in text)
            {
                switch (letter)
                {
                    case '"': _json.Append("\\\""); break;
                    case '\\': _json.Append("\\\\"); break;
                    case '\n': _json.Append("\\n"); break;
                    case '\r': _json.Append("\\r"); break;
                    case '\t': _json.Append("\\t"); break;
                    case '\b': _json.Append("\\b"); break;
                    case '\f': _json.Append("\\f"); break;
                    default:
                        if (letter < ' ') _json.Append("\\u").Append(((int)letter).ToString("x4", CultureInfo.InvariantCulture));
                        else _json.Append(letter);
                        break;
                }
            }
            _json.Append('"');
        }
    }
}
