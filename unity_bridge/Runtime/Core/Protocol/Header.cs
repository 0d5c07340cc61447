using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Motus.Protocol
{
    /// <summary>A message while it is written: its header as JSON, its buffers behind it.</summary>
    internal sealed class Header : Exchange
    {
        private readonly StringBuilder _json = new StringBuilder("{");
        private readonly StringBuilder _table = new StringBuilder();
        private readonly List<byte[]> _buffers = new List<byte[]>();
        private readonly Stack<int> _begun = new Stack<int>();
        private readonly Stack<string> _path = new Stack<string>();

        public Header(string kind) => Text("kind", ref kind);

        public override bool Has(string name, bool said) => said;

        public override bool HasInner(string name, bool said) => said;

        public override bool HasArray(string name) => true;

        public override void Id(string name, ref string value) => Text(name, ref value);

        public override void Text(string name, ref string value)
        {
            Name(name);
            Quote(value);
        }

        public override void Whole(string name, ref long value)
        {
            Name(name);
            _json.Append(value.ToString(CultureInfo.InvariantCulture));
        }

        public override void Count(string name, ref long value) => Whole(name, ref value);

        public override void Number(string name, ref double value)
        {
            Name(name);
            _json.Append(Written(value));
        }

        public override void Flag(string name, ref bool value)
        {
            Name(name);
            _json.Append(value ? "true" : "false");
        }

        public override void Texts(string name, ref string[] values, char size)
        {
            BeginList(name);
            foreach (var value in values)
            {
                Comma();
                Quote(value);
            }
            EndList();
        }

        public override void Wholes(string name, ref long[] values, char size)
        {
            BeginList(name);
            foreach (var value in values)
            {
                Comma();
                _json.Append(value.ToString(CultureInfo.InvariantCulture));
            }
            EndList();
        }

        public override void Numbers(string name, ref double[] values, char size)
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
        public override void Array(string name, ref Floats values, params char[] shape)
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
        public override void Inner<T>(string name, ref T value)
        {
            if (value == null) return;
            Begin(name);
            value.Pass(this);
            End();
        }

        public override void Inners<T>(string name, ref T[] values)
        {
            BeginList(name);
            foreach (var value in values)
            {
                BeginItem();
                value.Pass(this);
                End();
            }
            EndList();
        }

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

        private void Begin(string name)
        {
            _begun.Push(_json.Length);
            _path.Push(name);
            Name(name);
            _json.Append('{');
        }

        private void BeginItem()
        {
            _begun.Push(-1);
            _path.Push("");
            Comma();
            _json.Append('{');
        }

        private void End()
        {
            var begun = _begun.Pop();
            _path.Pop();
            if (begun >= 0 && _json[_json.Length - 1] == '{') _json.Length = begun;
            else _json.Append('}');
        }

        private void BeginList(string name)
        {
            Name(name);
            _json.Append('[');
        }

        private void EndList() => _json.Append(']');

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
