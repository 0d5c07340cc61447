using Motus;
using UnityEngine;

/// <summary>Many characters on one connection, each doing something else: put it on an empty object and give it a character with a Motus Character on it.</summary>
public sealed class Crowd : MonoBehaviour
{
    [SerializeField] private MotusCharacter prefab;
    [SerializeField] private MotusConnection connection;
    [SerializeField] private string[] prompts = { "a person walks forward", "a person dances", "a person jogs in a circle", "someone waves" };
    [SerializeField] private float apart = 2;

    private void Start()
    {
        for (var i = 0; i < prompts.Length; i++) // a server lets one client have four live sessions unless told otherwise
        {
            var one = Instantiate(prefab, new Vector3(i * apart, 0, 0), Quaternion.identity);
            one.Connection = connection;
            one.Prompt = prompts[i];
        }
    }
}
