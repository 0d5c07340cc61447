using Motus;
using UnityEngine;

/// <summary>A live character that goes where it is clicked, and does what keys 1 to 3 say.</summary>
public sealed class Steer : MonoBehaviour
{
    [SerializeField] private MotusCharacter character;
    [SerializeField] private string[] orders = { "a person walks", "a person runs", "a person dances" };

    private void Update()
    {
        for (var i = 0; i < orders.Length; i++)
        {
            if (Input.GetKeyDown(KeyCode.Alpha1 + i)) character.Prompt = orders[i];
        }
        if (!Input.GetMouseButtonDown(0) || Camera.main == null) return;
        var ray = Camera.main.ScreenPointToRay(Input.mousePosition);
        if (new Plane(Vector3.up, Vector3.zero).Raycast(ray, out var far)) character.GoTo(ray.GetPoint(far));
    }
}
