using System;
using UnityEngine.Events;

namespace Motus
{
    /// <summary>Something was said, such as what is wrong.</summary>
    [Serializable]
    public sealed class MotusTextEvent : UnityEvent<string>
    {
    }
}
