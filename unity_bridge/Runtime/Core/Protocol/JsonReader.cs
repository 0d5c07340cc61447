using System;
using System.Buffers.Text;

namespace Motus.Protocol
{
    /// <summary>Reads JSON piece by piece from UTF-8, without allocating and without exceptions.</summary>
    internal struct JsonReader
    {
        private readonly Slice _text;
        private int _at;
        private int _depth;
        private uint _objects; // one bit a level: whether it is an object
        private Next _next;

        private enum Next
        {
            Value,
            ItemOrEnd,
            NameOrEnd,
            Name,
            CommaOrEnd,
            Nothing,
        }

        public JsonReader(Slice text)
        {
            _text = text;
            _at = 0;
            _depth = 0;
            _objects = 0;
            _next = Next.Value;
            Raw = default;
            Escaped = false;
            Number = 0;
            Whole = false;
        }

        /// <summary>The bytes of a name or text between its quotes, or of a number.</summary>
        public Slice Raw { get; private set; }

        /// <summary>Whether there are backslashes in `Raw`.</summary>
        public bool Escaped { get; private set; }

        /// <summary>The number last read.</summary>
        public double Number { get; private set; }

        /// <summary>Whether it was written without point and exponent.</summary>
        public bool Whole { get; private set; }

        /// <summary>How many objects and lists are open.</summary>
        public int Depth => _depth;

        /// <summary>The next piece.</summary>
        public Token Read()
        {
            Skip();
            if (_next == Next.Nothing) return _at == _text.Length ? Token.End : Token.Bad;
            if (_at == _text.Length) return Token.Bad;
            var here = _text[_at];
            if (_next == Next.CommaOrEnd)
            {
                if (here == Closing) return Close();
                if (here != ',') return Token.Bad;
                _at++;
                Skip();
                if (_at == _text.Length) return Token.Bad;
                here = _text[_at];
                _next = InObject ? Next.Name : Next.Value;
            }
            else if (_next != Next.Value && _next != Next.Name && here == Closing)
            {
                return Close();
            }
            return _next == Next.Name || _next == Next.NameOrEnd ? ReadName() : ReadValue(here);
        }

        /// <summary>Pass over the value that comes next, whatever it is; false where it is none.</summary>
        public bool SkipValue()
        {
            var depth = _depth;
            do
            {
                if (Read() == Token.Bad) return false;
            }
            while (_depth > depth);
            return true;
        }

        /// <summary>Whether the name or text last read is this one, which has no need of escapes.</summary>
        public bool Is(string text)
        {
            if (Escaped || Raw.Length != text.Length) return false;
            for (var i = 0; i < text.Length; i++)
            {
                if (Raw[i] != text[i]) return false;
            }
            return true;
        }

        private bool InObject => (_objects >> _depth & 1) != 0;

        private byte Closing => (byte)(InObject ? '}' : ']');

        private Token ReadName()
        {
            if (_text[_at] != '"' || !ReadText()) return Token.Bad;
            Skip();
            if (_at == _text.Length || _text[_at] != ':') return Token.Bad;
            _at++;
            _next = Next.Value;
            return Token.Name;
        }

        private Token ReadValue(byte here)
        {
            switch (here)
            {
                case (byte)'{':
                    return Open(true) ? Token.Object : Token.Bad;
                case (byte)'[':
                    return Open(false) ? Token.List : Token.Bad;
                case (byte)'"':
                    return Done(ReadText(), Token.Text);
                case (byte)'t':
                    return Done(ReadWord("true"), Token.True);
                case (byte)'f':
                    return Done(ReadWord("false"), Token.False);
                case (byte)'n':
                    return Done(ReadWord("null"), Token.Null);
                default:
                    return Done(ReadNumber(), Token.Number);
            }
        }

        private Token Done(bool well, Token token)
        {
            _next = _depth == 0 ? Next.Nothing : Next.CommaOrEnd;
            return well ? token : Token.Bad;
        }

        private bool Open(bool anObject)
        {
            if (_depth > Version.Depth) return false;
            _depth++;
            _objects = anObject ? _objects | 1u << _depth : _objects & ~(1u << _depth);
            _next = anObject ? Next.NameOrEnd : Next.ItemOrEnd;
            _at++;
            return true;
        }

        private Token Close()
        {
            var token = InObject ? Token.ObjectEnd : Token.ListEnd;
            _depth--;
            _at++;
            _next = _depth == 0 ? Next.Nothing : Next.CommaOrEnd;
            return token;
        }

        private bool ReadText()
        {
            var start = ++_at;
            Escaped = false;
            for (; _at < _text.Length; _at++)
            {
                var here = _text[_at];
                if (here == '"')
                {
                    Raw = _text.Part(start, _at++ - start);
                    return true;
                }
                if (here < 0x20) return false;
                if (here != '\\') continue;
                Escaped = true;
                if (++_at == _text.Length) return false;
                if (_text[_at] == 'u')
                {
                    for (var digit = 0; digit < 4; digit++)
                    {
                        if (++_at >= _text.Length || JsonText.Hex(_text[_at]) < 0) return false;
                    }
                }
                else if ("\"\\/bfnrt".IndexOf((char)_text[_at]) < 0)
                {
                    return false;
                }
            }
            return false;
        }

        private bool ReadWord(string word)
        {
            if (_text.Length - _at < word.Length) return false;
            foreach (var letter in word)
            {
                if (_text[_at++] != letter) return false;
            }
            return true;
        }

        private bool ReadNumber()
        {
            var start = _at;
            if (Here == '-') _at++;
            if (Here == '0') _at++;
            else if (!Digits()) return false;
            Whole = true;
            if (Here == '.')
            {
                Whole = false;
                _at++;
                if (!Digits()) return false;
            }
            if (Here == 'e' || Here == 'E')
            {
                Whole = false;
                _at++;
                if (Here == '+' || Here == '-') _at++;
                if (!Digits()) return false;
            }
            Raw = _text.Part(start, _at - start);
            if (!Utf8Parser.TryParse(new ReadOnlySpan<byte>(Raw.Bytes, Raw.Start, Raw.Length), out double number, out var used) || used != Raw.Length) return false;
            Number = number;
            return !double.IsNaN(number) && !double.IsInfinity(number);
        }

        private byte Here => _at < _text.Length ? _text[_at] : (byte)0;

        private bool Digits()
        {
            var start = _at;
            while (Here >= '0' && Here <= '9') _at++;
            return _at > start;
        }

        private void Skip()
        {
            while (_at < _text.Length && (_text[_at] == ' ' || _text[_at] == '\n' || _text[_at] == '\r' || _text[_at] == '\t')) _at++;
        }
    }
}
