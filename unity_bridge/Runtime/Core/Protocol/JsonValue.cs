using System;
using System.Collections.Generic;

namespace Motus.Protocol
{
    /// <summary>One value of a header; for messages that do not come each frame.</summary>
    internal sealed class JsonValue
    {
        public static readonly JsonValue Empty = new JsonValue { Kind = Token.Object, Fields = new Dictionary<string, JsonValue>() };

        public Token Kind;
        public string Text;
        public double Number;
        public Dictionary<string, JsonValue> Fields;
        public List<JsonValue> Items;

        /// <summary>The value in a text; null where it is none, too deep, or holds half a surrogate pair.</summary>
        public static JsonValue Parse(Slice text)
        {
            var reader = new JsonReader(text);
            var value = JsonText.Valid(text) ? Read(ref reader, reader.Read()) : null;
            return value != null && reader.Read() == Token.End ? value : null;
        }

        private static JsonValue Read(ref JsonReader reader, Token token)
        {
            var value = new JsonValue { Kind = token };
            switch (token)
            {
                case Token.Text:
                    value.Text = JsonText.Decode(reader.Raw, reader.Escaped);
                    return value.Text == null ? null : value;
                case Token.Number:
                    value.Number = reader.Number;
                    return value;
                case Token.True:
                case Token.False:
                case Token.Null:
                    return value;
                case Token.Object:
                    return ReadFields(ref reader, value) ? value : null;
                case Token.List:
                    return ReadItems(ref reader, value) ? value : null;
                default:
                    return null;
            }
        }

        private static bool ReadFields(ref JsonReader reader, JsonValue into)
        {
            into.Fields = new Dictionary<string, JsonValue>(StringComparer.Ordinal);
            Token token;
            while ((token = reader.Read()) == Token.Name)
            {
                var name = JsonText.Decode(reader.Raw, reader.Escaped);
                var value = Read(ref reader, reader.Read());
                if (name == null || value == null) return false;
                into.Fields[name] = value;
            }
            return token == Token.ObjectEnd;
        }

        private static bool ReadItems(ref JsonReader reader, JsonValue into)
        {
            into.Items = new List<JsonValue>();
            Token token;
            while ((token = reader.Read()) != Token.ListEnd)
            {
                var item = Read(ref reader, token);
                if (item == null) return false;
                into.Items.Add(item);
            }
            return true;
        }
    }
}
