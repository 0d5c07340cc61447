using System.Linq;
using NUnit.Framework;

namespace Motus.Tests
{
    /// <summary>Tables of prompts: what is in them is read, what is wrong is named with its line.</summary>
    [TestFixture]
    public sealed class PromptTableTests
    {
        [Test]
        public void ColumnsStandInAnyOrderAndCellsMayBeQuoted()
        {
            var table = PromptTable.Read("seconds,text,name,seed\r\n2.5,\"waves, \"\"twice\"\"\",wave,7\r\n\r\n,a person walks,,\n");
            Assert.IsNull(table.Problem);
            Assert.AreEqual(new[] { "wave", "a person walks" }, table.Rows.Select(row => row.Name).ToArray());
            Assert.AreEqual("waves, \"twice\"", table.Rows[0].Text);
            Assert.AreEqual(2.5, table.Rows[0].Seconds);
            Assert.AreEqual(7, table.Rows[0].Seed);
            Assert.IsNull(table.Rows[1].Seconds);
        }

        [TestCase("", "empty")]
        [TestCase("name\nx", "text")]
        [TestCase("text,seconds\nwalks,soon", "line 2")]
        [TestCase("text,seconds\nwalks,1\nruns,-2", "line 3")]
        [TestCase("text,seed\nwalks,1.5", "line 2")]
        public void WhatIsWrongIsNamed(string csv, string problem) => StringAssert.Contains(problem, PromptTable.Read(csv).Problem);
    }
}
