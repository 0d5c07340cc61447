using System.Threading;
using Motus;
using UnityEngine;

/// <summary>The shortest way: put this on a Humanoid character, give it a connection, and it does what you type.</summary>
public sealed class Hello : MonoBehaviour
{
    [SerializeField] private MotusConnection connection;
    [SerializeField] private string prompt = "a person waves with the right hand";

    private readonly CancellationTokenSource _work = new CancellationTokenSource();

    private async void Start()
    {
        var character = gameObject.AddComponent<MotusCharacter>();
        character.Stop();
        try
        {
            character.Play(await connection.GenerateAsync(prompt, 4, null, _work.Token));
        }
        catch (MotusException error)
        {
            Debug.LogWarning(error.Message);
        }
        catch (System.OperationCanceledException)
        {
        }
    }

    private void OnDestroy() => _work.Cancel();
}
