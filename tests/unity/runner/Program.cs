using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using NUnit.Framework;

/// <summary>Runs NUnit's tests of an assembly on dotnet, for which NUnit 2.6 has no console: one line for each failure.</summary>
public static class Program
{
    /// <summary>Arguments: the assembly, and part of the name of the tests to run, where not all are meant.</summary>
    public static int Main(string[] arguments)
    {
        if (arguments[0] == "--signatures")
        {
            Signatures.List(arguments[1]);
            return 0;
        }
        if (arguments[0] == "--figures")
        {
            var figures = Assembly.LoadFrom(arguments[1]).GetType("Motus.Tests.Figures").GetMethod("Measure");
            figures.Invoke(null, new object[] { arguments.Skip(2).ToArray() });
            return 0;
        }
        var only = arguments.Length > 1 ? arguments[1] : "";
        int passed = 0, failed = 0, skipped = 0;
        var types = Assembly.LoadFrom(arguments[0]).GetTypes().Where(type => Has<TestFixtureAttribute>(type));
        foreach (var type in types.OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            foreach (var (method, values) in Cases(type))
            {
                var name = $"{type.Name}.{method.Name}({string.Join(", ", values)})";
                if (name.IndexOf(only, StringComparison.OrdinalIgnoreCase) < 0) continue;
                var error = Run(type, method, values);
                if (error is IgnoreException) skipped++;
                else if (error == null) passed++;
                else failed++;
                if (error != null) Console.WriteLine($"{(error is IgnoreException ? "skipped" : "FAILED")} {name}: {(error is AssertionException || error is IgnoreException ? error.Message : error.ToString())}");
            }
        }
        Console.WriteLine($"dotnet {Environment.Version}: {passed} passed, {failed} failed, {skipped} skipped");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    private static IEnumerable<(MethodInfo, object[])> Cases(Type type)
    {
        foreach (var method in type.GetMethods().OrderBy(method => method.MetadataToken))
        {
            if (Has<TestAttribute>(method)) yield return (method, Array.Empty<object>());
            foreach (var one in method.GetCustomAttributes<TestCaseAttribute>()) yield return (method, one.Arguments);
        }
    }

    private static Exception Run(Type type, MethodInfo method, object[] values)
    {
        var fixture = Activator.CreateInstance(type);
        try
        {
            Around<SetUpAttribute>(fixture);
            method.Invoke(fixture, values);
            return null;
        }
        catch (TargetInvocationException error)
        {
            return error.InnerException;
        }
        finally
        {
            Around<TearDownAttribute>(fixture);
        }
    }

    private static void Around<T>(object fixture)
        where T : Attribute
    {
        foreach (var method in fixture.GetType().GetMethods().Where(Has<T>)) method.Invoke(fixture, null);
    }

    private static bool Has<T>(MemberInfo member)
        where T : Attribute => member.GetCustomAttributes<T>(true).Any();
}
