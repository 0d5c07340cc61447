using UnityEngine;
using UnityEngine.Playables;

namespace Motus.Timeline
{
    /// <summary>Gives the order once, when its clip comes up.</summary>
    public sealed class MotusPromptBehaviour : PlayableBehaviour
    {
        private bool _given;

        /// <summary>What is to be done.</summary>
        public string Prompt { get; set; } = "";

        /// <inheritdoc/>
        public override void OnBehaviourPause(Playable playable, FrameData info) => _given = false;

        /// <inheritdoc/>
        public override void ProcessFrame(Playable playable, FrameData info, object playerData)
        {
            if (_given || !Application.isPlaying || !(playerData is MotusCharacter character)) return;
            _given = true;
            character.Prompt = Prompt;
        }
    }
}
