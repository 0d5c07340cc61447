using System;
using System.Collections.Generic;

namespace Motus.Protocol
{
    /// <summary>The fields and buffers of one message, read one by one; the first that is wrong is remembered.</summary>
    internal sealed class Fields
    {
        private const double MostWhole = 9007199254740992.0; // 2^53

        private readonly Envelope _envelope;
        private readonly JsonValue _object;
        private readonly string _prefix;
        private readonly Dictionary<char, int> _sizes;

        public Fields(Envelope envelope, JsonValue from, string prefix = "")
        {
            _envelope = envelope;
            _object = from;
            _prefix = prefix;
            _sizes = new Dictionary<char, int>();
        }

        public bool Has(string name) => Find(name) != null;

        public bool HasArray(string name) => _envelope.Find(_prefix + name) != null;

        public bool HasInner(string name) => Has(name) || _envelope.HasUnder($"{_prefix}{name}.");

        public string Text(string name)
        {
            var value = Find(name);
            return value?.Kind == Token.Text ? value.Text : Wrong(name, "a text", "");
        }

        public string Id(string name)
        {
            var text = Text(name);
            return Protocol.Id.Valid(text) ? text : Wrong(name, "1 to 64 letters, digits, '.', '_' or '-'", text);
        }

        public long Whole(string name) => Whole(name, Find(name));

        public long Count(string name)
        {
            var value = Whole(name);
            return value >= 0 ? value : Wrong(name, "a whole number from 0", 0L);
        }

        public double Number(string name) => Number(name, Find(name));

        public bool Flag(string name)
        {
            var kind = Find(name)?.Kind;
            return kind == Token.True || (kind == Token.False ? false : Wrong(name, "true or false", false));
        }

        public string[] Texts(string name, char size = '\0')
        {
            var items = Items(name, "a list of texts", size);
            var texts = new string[items.Count];
            for (var i = 0; i < texts.Length; i++)
            {
                texts[i] = items[i].Kind == Token.Text ? items[i].Text : Wrong(name, "a list of texts", "");
            }
            return texts;
        }

        public long[] Wholes(string name, char size = '\0')
        {
            var items = Items(name, "a list of whole numbers", size);
            var values = new long[items.Count];
            for (var i = 0; i < values.Length; i++) values[i] = Whole(name, items[i]);
            return values;
        }

        public double[] Numbers(string name, char size = '\0')
        {
            var items = Items(name, "a list of numbers", size);
            var values = new double[items.Count];
            for (var i = 0; i < values.Length; i++) values[i] = Number(name, items[i]);
            return values;
        }

        public Fields Inner(string name)
        {
            var value = Find(name) ?? JsonValue.Empty;
            if (value.Kind != Token.Object) value = Wrong(name, "an object", JsonValue.Empty);
            return new Fields(_envelope, value, $"{_prefix}{name}.");
        }

        public T[] Inners<T>(string name, Func<Fields, T> read)
        {
            var items = Items(name, "a list of objects", '\0');
            var values = new T[items.Count];
            for (var i = 0; i < values.Length; i++)
            {
                var one = items[i].Kind == Token.Object ? items[i] : Wrong(name, "a list of objects", JsonValue.Empty);
                values[i] = read(new Fields(_envelope, one, $"{_prefix}{name}."));
            }
            return values;
        }

        public Floats Array(string name, params char[] shape)
        {
            var row = _envelope.Find(_prefix + name);
            if (row == null) return Wrong(name, "a buffer", (Floats)null);
            var fits = row.Dtype == "f32" && row.Shape.Length == shape.Length;
            for (var axis = 0; fits && axis < shape.Length; axis++) fits = Measure(shape[axis], row.Shape[axis]);
            return fits ? _envelope.Floats(row) : Wrong(name, "f32 of another shape", (Floats)null);
        }

        private bool Measure(char size, int got)
        {
            if (size < 'A') return got == size;
            if (!_sizes.TryGetValue(size, out var known)) _sizes[size] = known = got;
            return known == got;
        }

        private List<JsonValue> Items(string name, string wanted, char size)
        {
            var value = Find(name);
            if (value?.Kind != Token.List) return Wrong(name, wanted, new List<JsonValue>());
            if (size != '\0' && !Measure(size, value.Items.Count)) Wrong(name, "a list of another length", 0);
            return value.Items;
        }

        private long Whole(string name, JsonValue value)
        {
            var whole = value?.Kind == Token.Number && Math.Abs(value.Number) <= MostWhole;
            return whole && Math.Floor(value.Number) == value.Number ? (long)value.Number : Wrong(name, "a whole number", 0L);
        }

        private double Number(string name, JsonValue value) =>
            value?.Kind == Token.Number ? value.Number : Wrong(name, "a number", 0.0);

        private JsonValue Find(string name) =>
            _object.Fields.TryGetValue(name, out var value) && value.Kind != Token.Null ? value : null;

        private T Wrong<T>(string name, string wanted, T instead)
        {
            _envelope.Object($"the field '{_prefix}{name}' of '{_envelope.Kind}' must be {wanted}");
            return instead;
        }
    }
}
