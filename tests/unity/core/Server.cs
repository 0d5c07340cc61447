using System;
using System.Diagnostics;

namespace Motus.Tests
{
    /// <summary>A real server in a process of its own (tests/unity/server.py), from its ready line until it is disposed.</summary>
    internal sealed class Server : IDisposable
    {
        private readonly Process _process;

        /// <summary>Start one with some flags, and wait until it is ready.</summary>
        public Server(string flags = "", string module = "tests.unity.server --log-level error")
        {
            _process = Python($"-m {module} {flags}");
            var ready = Line();
            if (!ready.StartsWith("ready ")) throw new InvalidOperationException($"the server did not start: {ready}");
            Address = ready.Split(' ')[1];
        }

        /// <summary>Where it listens.</summary>
        public string Address { get; }

        /// <summary>The next line that it prints; empty at its end.</summary>
        public string Line() => _process.StandardOutput.ReadLine() ?? "";

        /// <summary>Run a Python program of the repository.</summary>
        public static Process Python(string arguments)
        {
            var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("MOTUS_PYTHON") ?? "python3", arguments)
            {
                WorkingDirectory = Environment.GetEnvironmentVariable("MOTUS_ROOT") ?? ".",
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };
            start.EnvironmentVariables.Remove("LD_LIBRARY_PATH");
            start.EnvironmentVariables.Remove("MONO_PATH");
            start.EnvironmentVariables["PYTHONWARNINGS"] = "ignore";
            return Process.Start(start);
        }

        /// <summary>Stop it as a crash would.</summary>
        public void Dispose()
        {
            if (!_process.HasExited) _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
