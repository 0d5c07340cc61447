using System;
using System.Collections.Generic;

namespace Motus.Protocol
{
    /// <summary>A message taken out of its bytes, and whatever is wrong with it.</summary>
    internal sealed class Envelope
    {
        private readonly Parts _parts;
        private readonly List<BufferRow> _rows = new List<BufferRow>();

        private Envelope(Parts parts) => _parts = parts;

        public string Kind { get; private set; } = "";

        public JsonValue Header { get; private set; } = JsonValue.Empty;

        /// <summary>The first thing that is wrong, or null.</summary>
        public string Fault { get; private set; }

        /// <summary>Open the parts; `Fault` tells whether that went well.</summary>
        public static Envelope Open(Parts parts)
        {
            var envelope = new Envelope(parts);
            envelope.Fault = Mark.Fault(parts);
            if (envelope.Fault == null) envelope.Unseal();
            return envelope;
        }

        /// <summary>Remember what is wrong, unless something else was before.</summary>
        public void Object(string fault) => Fault = Fault ?? fault;

        public BufferRow Find(string name) => _rows.Find(row => row.Name == name);

        public bool HasUnder(string prefix) => _rows.Exists(row => row.Name.StartsWith(prefix, StringComparison.Ordinal));

        public Floats Floats(BufferRow row)
        {
            var numbers = new float[_parts.Length(row.Part) / sizeof(float)];
            Buffer.BlockCopy(_parts.Bytes, _parts.Start(row.Part), numbers, 0, _parts.Length(row.Part));
            return new Floats(numbers, row.Shape);
        }

        private void Unseal()
        {
            var header = JsonValue.Parse(_parts[1]);
            if (header?.Kind != Token.Object)
            {
                Object("the header is no JSON object");
                return;
            }
            Header = header;
            if (header.Fields.TryGetValue("kind", out var kind) && kind.Kind == Token.Text) Kind = kind.Text;
            else Object("the header's 'kind' must be a text");
            header.Fields.TryGetValue("buffers", out var table);
            if (table != null && table.Kind != Token.List) Object("the header's 'buffers' must be a list");
            else if ((table?.Items.Count ?? 0) != _parts.Count - 2) Object("the header lists more or fewer buffers than follow");
            else if (table != null) Table(table.Items);
        }

        private void Table(List<JsonValue> rows)
        {
            for (var i = 0; i < rows.Count && Fault == null; i++)
            {
                var row = Row(rows[i], i + 2);
                if (row == null || Find(row.Name) != null) Object("the header's 'buffers' is not a list of different buffers");
                else if (!Dtype.Fits(row.Dtype, row.Shape, _parts.Length(row.Part))) Object($"the buffer '{row.Name}' has another length than its shape");
                else if (!Dtype.Finite(row.Dtype, _parts[row.Part])) Object($"the buffer '{row.Name}' holds NaN or infinity");
                else _rows.Add(row);
            }
        }

        private static BufferRow Row(JsonValue from, int part)
        {
            if (from.Kind != Token.Object) return null;
            from.Fields.TryGetValue("name", out var name);
            from.Fields.TryGetValue("dtype", out var dtype);
            from.Fields.TryGetValue("shape", out var shape);
            if (name?.Kind != Token.Text || name.Text.Length < 1 || name.Text.Length > 64) return null;
            if (dtype?.Kind != Token.Text || shape?.Kind != Token.List || shape.Items.Count > Version.Axes) return null;
            var sizes = new int[shape.Items.Count];
            for (var axis = 0; axis < sizes.Length; axis++)
            {
                var size = shape.Items[axis];
                if (size.Kind != Token.Number || size.Number < 0 || size.Number > Version.PartBytes) return null;
                if (Math.Floor(size.Number) != size.Number) return null;
                sizes[axis] = (int)size.Number;
            }
            return new BufferRow { Name = name.Text, Dtype = dtype.Text, Shape = sizes, Part = part };
        }
    }
}
