using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Motus
{
    /// <summary>A table of prompts: CSV with the columns name, text, seconds and seed in any order; text alone must be there.</summary>
    public sealed class PromptTable
    {
        /// <summary>One prompt.</summary>
        public sealed class Row
        {
            /// <summary>What the clip is to be called.</summary>
            public string Name;

            /// <summary>What is to be done.</summary>
            public string Text;

            /// <summary>How long; null: as the model likes.</summary>
            public double? Seconds;

            /// <summary>Which random numbers; null: the server chooses.</summary>
            public long? Seed;
        }

        /// <summary>The prompts.</summary>
        public readonly List<Row> Rows = new List<Row>();

        /// <summary>What is wrong with the table, in a sentence with its line; null where nothing is.</summary>
        public string Problem { get; private set; }

        /// <summary>Read a table.</summary>
        public static PromptTable Read(string csv)
        {
            var table = new PromptTable();
            var lines = Split(csv);
            if (lines.Count == 0) table.Problem = "the table is empty; its first line names the columns: name, text, seconds, seed";
            else table.Read(lines);
            return table;
        }

        private void Read(List<List<string>> lines)
        {
            var columns = lines[0].ConvertAll(name => name.Trim().ToLowerInvariant());
            int text = columns.IndexOf("text"), name = columns.IndexOf("name"), seconds = columns.IndexOf("seconds"), seed = columns.IndexOf("seed");
            if (text < 0) Problem = "line 1: no column is called 'text'";
            for (var line = 1; line < lines.Count && Problem == null; line++)
            {
                var row = new Row { Text = Cell(lines[line], text), Name = Cell(lines[line], name) };
                if (row.Text.Length == 0) continue;
                if (row.Name.Length == 0) row.Name = row.Text;
                var given = Cell(lines[line], seconds);
                if (given.Length > 0 && double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number > 0) row.Seconds = number;
                else if (given.Length > 0) Problem = $"line {line + 1}: '{given}' are no seconds";
                given = Cell(lines[line], seed);
                if (given.Length > 0 && long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var whole)) row.Seed = whole;
                else if (given.Length > 0) Problem = $"line {line + 1}: '{given}' is no seed";
                Rows.Add(row);
            }
        }

        private static string Cell(List<string> line, int column) => column < 0 || column >= line.Count ? "" : line[column].Trim();

        /// <summary>RFC 4180: cells in quotes may hold commas, quotes written twice, and line ends.</summary>
        private static List<List<string>> Split(string csv)
        {
            var lines = new List<List<string>>();
            var line = new List<string>();
            var cell = new StringBuilder();
            var quoted = false;
            for (var at = 0; at <= csv.Length; at++)
            {
                var letter = at < csv.Length ? csv[at] : '\n';
                if (quoted && letter == '"' && at + 1 < csv.Length && csv[at + 1] == '"') cell.Append(csv[++at]);
                else if (letter == '"') quoted = !quoted;
                else if (quoted && at < csv.Length) cell.Append(letter);
                else if (letter == ',' || letter == '\n')
                {
                    line.Add(cell.ToString());
                    cell.Clear();
                    if (letter != '\n') continue;
                    if (line.Count > 1 || line[0].Trim().Length > 0) lines.Add(line);
                    line = new List<string>();
                }
                else if (letter != '\r')
                {
                    cell.Append(letter);
                }
            }
            return lines;
        }
    }
}
