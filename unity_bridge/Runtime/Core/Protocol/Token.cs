namespace Motus.Protocol
{
    /// <summary>What `JsonReader` came upon.</summary>
    internal enum Token
    {
        /// <summary>The text is no JSON, or too deep; there is nothing more to read.</summary>
        Bad,

        /// <summary>The value is complete.</summary>
        End,

        /// <summary>An object begins.</summary>
        Object,

        /// <summary>An object ends.</summary>
        ObjectEnd,

        /// <summary>A list begins.</summary>
        List,

        /// <summary>A list ends.</summary>
        ListEnd,

        /// <summary>The name of a field.</summary>
        Name,

        /// <summary>A text.</summary>
        Text,

        /// <summary>A number.</summary>
        Number,

        /// <summary>Yes.</summary>
        True,

        /// <summary>No.</summary>
        False,

        /// <summary>Nothing.</summary>
        Null,
    }
}
