namespace Motus.Protocol
{
    /// <summary>The fields of a message on their way out or in: each method writes the value it is handed, or reads it.</summary>
    internal abstract class Exchange
    {
        /// <summary>Whether a field that may be absent is there: going out, where it is said; coming in, where it came.</summary>
        public abstract bool Has(string name, bool said = true);

        /// <summary>The same for an object.</summary>
        public abstract bool HasInner(string name, bool said);

        /// <summary>The same for a buffer; going out, one that is null does not travel.</summary>
        public abstract bool HasArray(string name);

        public abstract void Id(string name, ref string value);
        public abstract void Text(string name, ref string value);
        public abstract void Whole(string name, ref long value);
        public abstract void Count(string name, ref long value);
        public abstract void Number(string name, ref double value);
        public abstract void Flag(string name, ref bool value);
        public abstract void Texts(string name, ref string[] values, char size = '\0');
        public abstract void Wholes(string name, ref long[] values, char size = '\0');
        public abstract void Numbers(string name, ref double[] values, char size = '\0');
        public abstract void Array(string name, ref Floats values, params char[] shape);
        public abstract void Inner<T>(string name, ref T value) where T : Piece, new();
        public abstract void Inners<T>(string name, ref T[] values) where T : Piece, new();

        public void Whole(string name, ref long? value)
        {
            var whole = value.GetValueOrDefault();
            Whole(name, ref whole);
            value = whole;
        }

        public void Number(string name, ref double? value)
        {
            var number = value.GetValueOrDefault();
            Number(name, ref number);
            value = number;
        }

        public void Flag(string name, ref bool? value)
        {
            var flag = value.GetValueOrDefault();
            Flag(name, ref flag);
            value = flag;
        }
    }
}
