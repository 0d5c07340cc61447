// What the tests see of the core besides what everybody sees.
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Motus.Core.Tests")]
