// What the editor's part sees of this one besides what everybody sees.
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Motus.Editor")]
[assembly: InternalsVisibleTo("Motus.Tests")]
[assembly: InternalsVisibleTo("Motus.Editor.Tests")]
