using UnityEngine;

namespace Motus
{
    /// <summary>Shows how the network does, over the game: delay, jitter, lost frames and status of each character.</summary>
    [AddComponentMenu("Motus/Motus Monitor")]
    public sealed class MotusMonitor : MonoBehaviour
    {
        private const float Line = 20, Wide = 460;

        [SerializeField] private MotusCharacter[] characters = System.Array.Empty<MotusCharacter>();

        private readonly System.Text.StringBuilder _text = new System.Text.StringBuilder();
        private string _shown = "";
        private float _next;

        private void OnGUI()
        {
            if (Time.unscaledTime > _next) Write(); // the text is made five times a second, not each frame
            GUI.Box(new Rect(8, 8, Wide, Line * (characters.Length + 1)), _shown);
        }

        private void Write()
        {
            _next = Time.unscaledTime + 0.2f;
            _text.Clear();
            foreach (var character in characters)
            {
                if (character == null) continue;
                _text.Append(character.name).Append(": ").Append(character.Status);
                var buffer = character.Buffer;
                if (buffer != null)
                {
                    _text.AppendFormat(
                        "  delay {0:0} of {1:0} ms  jitter {2:0} ms  late {3}  missing {4}  of {5}",
                        1000 * buffer.Delay, 1000 * buffer.Target, 1000 * buffer.Jitter, buffer.Late, buffer.Missing, buffer.Received);
                }
                _text.AppendLine();
            }
            _shown = _text.ToString();
        }
    }
}
