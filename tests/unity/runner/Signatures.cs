using System;
using System.Linq;
using System.Reflection;

/// <summary>Lists what is public in the stand-in of a module, as unity-types writes it: a line `Type|member` each.</summary>
public static class Signatures
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>Argument: the assembly.</summary>
    public static void List(string assembly)
    {
        foreach (var type in Assembly.LoadFrom(assembly).GetExportedTypes().Where(type => !type.IsInterface))
        {
            var name = type.FullName.Split('`')[0] + (type.IsGenericType ? "$" + type.GetGenericArguments().Length : "");
            Console.WriteLine($"{name}|");
            if (type.IsEnum)
            {
                foreach (var value in Enum.GetNames(type)) Console.WriteLine($"{name}|{value}={(int)Enum.Parse(type, value)}");
                continue;
            }
            foreach (var field in type.GetFields(Own)) Console.WriteLine($"{name}|{field.Name}:{Written(field.FieldType)}");
            foreach (var property in type.GetProperties(Own)) Console.WriteLine($"{name}|{Static(property.GetGetMethod())}{property.Name}:{Written(property.PropertyType)}");
            foreach (var made in type.GetConstructors(Own).Where(made => made.GetParameters().Length > 0)) Console.WriteLine($"{name}|constructor({Parameters(made)})");
            foreach (var method in type.GetMethods(Own).Where(method => !method.IsSpecialName || method.Name.StartsWith("add_")))
            {
                Console.WriteLine($"{name}|{Static(method)}{method.Name}({Parameters(method)}):{Written(method.ReturnType)}");
            }
        }
    }

    private static string Static(MethodInfo method) => method.IsStatic ? "static " : "";

    private static string Parameters(MethodBase method) => string.Join(",", method.GetParameters().Select(one => Written(one.ParameterType)));

    private static string Written(Type type)
    {
        if (type.IsByRef) return $"$Out<{Written(type.GetElementType())}>";
        if (type.IsArray) return $"System.Array$1<{Written(type.GetElementType())}>";
        if (type.IsGenericParameter) return type.Name;
        if (type == typeof(void)) return "void";
        if (type == typeof(string)) return "string";
        if (type == typeof(bool)) return "boolean";
        if (type == typeof(object)) return "any";
        if (type == typeof(Type)) return "System.TypeLike";
        if (type.IsPrimitive) return "number";
        var inside = type.IsGenericType ? $"${type.GetGenericArguments().Length}<{string.Join(",", type.GetGenericArguments().Select(Written))}>" : "";
        return type.FullName.Split('`')[0] + inside;
    }
}
