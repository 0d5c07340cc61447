using System;
using UnityEngine.Events;

namespace Motus
{
    /// <summary>A foot came down: 0 left, 1 right.</summary>
    [Serializable]
    public sealed class MotusFootEvent : UnityEvent<int>
    {
    }
}
