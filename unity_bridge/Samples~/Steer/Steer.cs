using Motus;
using UnityEngine;

/// <summary>A live character that goes where it is clicked, and does what keys 1 to 3 say. Works with either of Unity's input systems.</summary>
public sealed class Steer : MonoBehaviour
{
    [SerializeField] private MotusCharacter character;
    [SerializeField] private string[] orders = { "a person walks", "a person runs", "a person dances" };

    private void OnGUI()
    {
        var input = Event.current;
        if (input.type == EventType.KeyDown)
        {
            var order = input.keyCode - KeyCode.Alpha1;
            if (order >= 0 && order < orders.Length) character.Prompt = orders[order];
        }
        if (input.type != EventType.MouseDown || input.button != 0 || Camera.main == null) return;
        var ray = Camera.main.ScreenPointToRay(new Vector3(input.mousePosition.x, Screen.height - input.mousePosition.y, 0));
        if (new Plane(Vector3.up, Vector3.zero).Raycast(ray, out var far)) character.GoTo(ray.GetPoint(far));
    }
}
