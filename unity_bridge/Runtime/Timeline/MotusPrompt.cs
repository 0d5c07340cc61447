using UnityEngine;
using UnityEngine.Playables;
using UnityEngine.Timeline;

namespace Motus.Timeline
{
    /// <summary>A clip on the timeline: what the character is to do from here on.</summary>
    public sealed class MotusPrompt : PlayableAsset, ITimelineClipAsset
    {
        [TextArea(1, 4)]
        [SerializeField] private string prompt = "a person walks forward";

        /// <summary>Prompts do not mix: the last one holds.</summary>
        public ClipCaps clipCaps => ClipCaps.None;

        /// <inheritdoc/>
        public override Playable CreatePlayable(PlayableGraph graph, GameObject owner)
        {
            var playable = ScriptPlayable<MotusPromptBehaviour>.Create(graph);
            playable.GetBehaviour().Prompt = prompt;
            return playable;
        }
    }
}
