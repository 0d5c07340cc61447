using UnityEngine.Timeline;

namespace Motus.Timeline
{
    /// <summary>A track of prompts for one character: each clip is an order of its live session.</summary>
    [TrackClipType(typeof(MotusPrompt))]
    [TrackBindingType(typeof(MotusCharacter))]
    [TrackColor(0.9f, 0.5f, 0.1f)]
    public sealed class MotusTrack : TrackAsset
    {
    }
}
