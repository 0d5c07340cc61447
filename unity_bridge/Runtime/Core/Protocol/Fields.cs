using System;
using System.Collections.Generic;

namespace Motus.Protocol
{
    /// <summary>The fields and buffers of one message, read one by one; the first that is wrong is remembered.</summary>
    internal sealed class Fields : Exchange
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

        public override bool Has(string name, bool said) => Find(name) != null;

        public override bool HasArray(string name) => _envelope.Find(_prefix + name) != null;

        public override bool HasInner(string name, bool said) => Has(name, said) || _envelope.HasUnder($"{_prefix}{name}.");

        public override void Text(string name, ref string value)
        {
            var found = Find(name);
            value = found?.Kind == Token.Text ? found.Text : Wrong(name, "a text", "");
        }

        public override void Id(string name, ref string value)
        {
            Text(name, ref value);
            if (!Protocol.Id.Valid(value)) Wrong(name, "1 to 64 letters, digits, '.', '_' or '-'", value);
        }

        public override void Whole(string name, ref long value) => value = Whole(name, Find(name));

        public override void Count(string name, ref long value)
        {
            Whole(name, ref value);
            if (value < 0) value = Wrong(name, "a whole number from 0", 0L);
        }

        public override void Number(string name, ref double value) => value = Number(name, Find(name));

        public override void Flag(string name, ref bool value)
        {
            var kind = Find(name)?.Kind;
            value = kind == Token.True || (kind == Token.False ? false : Wrong(name, "true or false", false));
        }

        public override void Texts(string name, ref string[] values, char size)
        {
            var items = Items(name, "a list of texts", size);
            values = new string[items.Count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = items[i].Kind == Token.Text ? items[i].Text : Wrong(name, "a list of texts", "");
            }
        }

        public override void Wholes(string name, ref long[] values, char size)
        {
            var items = Items(name, "a list of whole numbers", size);
            values = new long[items.Count];
            for (var i = 0; i < values.Length; i++) values[i] = Whole(name, items[i]);
        }

        public override void Numbers(string name, ref double[] values, char size)
        {
            var items = Items(name, "a list of numbers", size);
            values = new double[items.Count];
            for (var i = 0; i < values.Length; i++) values[i] = Number(name, items[i]);
        }

        public override void Inner<T>(string name, ref T value)
        {
            var found = Find(name) ?? JsonValue.Empty;
            if (found.Kind != Token.Object) found = Wrong(name, "an object", JsonValue.Empty);
            value = Read<T>(name, found);
        }

        public override void Inners<T>(string name, ref T[] values)
        {
            var items = Items(name, "a list of objects", '\0');
            values = new T[items.Count];
            for (var i = 0; i < values.Length; i++)
            {
                var one = items[i].Kind == Token.Object ? items[i] : Wrong(name, "a list of objects", JsonValue.Empty);
                values[i] = Read<T>(name, one);
            }
        }

        public override void Array(string name, ref Floats values, params char[] shape)
        {
            var row = _envelope.Find(_prefix + name);
            var fits = row != null && row.Dtype == "f32" && row.Shape.Length == shape.Length;
            for (var axis = 0; fits && axis < shape.Length; axis++) fits = Measure(shape[axis], row.Shape[axis]);
            values = fits ? _envelope.Floats(row) : Wrong(name, row == null ? "a buffer" : "f32 of another shape", (Floats)null);
        }

        private T Read<T>(string name, JsonValue from) where T : Piece, new()
        {
            var read = new T();
            read.Pass(new Fields(_envelope, from, $"{_prefix}{name}."));
            return read;
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
