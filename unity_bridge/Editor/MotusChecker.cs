using System.Text;
using UnityEngine;

namespace Motus.Editor
{
    /// <summary>Says what is wrong with a character, or that nothing is.</summary>
    public static class MotusChecker
    {
        /// <summary>All that is found, a line each.</summary>
        public static string Report(Animator animator)
        {
            if (animator == null) return "Select a character: nothing is selected that has an Animator.";
            var found = new StringBuilder();
            var bones = MotusBones.Of(animator, out var problem);
            if (problem != null) found.AppendLine($"Motion cannot go to '{animator.name}': {problem}.");
            if (bones != null) Bones(bones.Rig, found);
            if (bones != null && animator.isOptimizable && bones[HumanBone.Hips] == null) found.AppendLine("The bones are optimised away: untick Optimize Game Objects.");
            if (animator.applyRootMotion) found.AppendLine("The Animator applies root motion of its own: untick Apply Root Motion, or its way is added to Motus's.");
            var scale = animator.transform.lossyScale;
            if (Mathf.Abs(scale.x - scale.y) > 1e-3f || Mathf.Abs(scale.x - scale.z) > 1e-3f) found.AppendLine("The character is not scaled evenly: bones will be skewed.");
            if (animator.GetComponent<MotusCharacter>() == null) found.AppendLine("There is no Motus Character on it yet: Add Component > Motus > Motus Character.");
            return found.Length == 0 ? $"'{animator.name}' is ready." : found.ToString().TrimEnd();
        }

        private static void Bones(HumanRig rig, StringBuilder found)
        {
            if (!rig.Has(HumanBone.LeftToes) || !rig.Has(HumanBone.RightToes)) found.AppendLine("The avatar has no toes: feet are held by the ankle alone.");
            if (!rig.Has(HumanBone.Neck)) found.AppendLine("The avatar has no neck: the head follows alone.");
            if (!rig.Has(HumanBone.Chest)) found.AppendLine("The avatar has no chest: the back bends in one joint.");
            if (!rig.Has(HumanBone.LeftShoulder) || !rig.Has(HumanBone.RightShoulder)) found.AppendLine("The avatar has no shoulders: arms hang from the chest.");
            if (rig.LegLength < 0.3f || rig.LegLength > 3) found.AppendLine($"The legs are {rig.LegLength:0.00} m long: check the scale factor of the model's import.");
        }
    }
}
