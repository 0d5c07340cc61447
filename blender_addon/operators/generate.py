"""Generate: from a sentence to an action on the armature.

Pressed in the window, `motus.generate` asks and returns at once; called from a script it waits until the clip is on the
armature.
"""

import bpy
from bpy.props import FloatProperty, IntProperty, StringProperty

from blender_addon import asking, extension, session
from blender_addon.operators.ask import Ask
from blender_addon.showing.show import Show
from motion.errors import BadRequest


class MotusGenerate(Ask, bpy.types.Operator):
    """Make motion of the sentence and show it on the armature as it comes"""

    bl_idname = "motus.generate"
    bl_label = "Generate"

    prompt: StringProperty(name="Prompt", description="What the character should do; empty: the sidebar's")
    seconds: FloatProperty(name="Seconds", description="Length; 0: the sidebar's")
    seed: IntProperty(name="Seed", description="-1: the sidebar's, or a new one", default=-1, min=-1)
    armature: StringProperty(name="Armature", description="Name of the object; empty: the sidebar's")
    address: StringProperty(name="Server", description="Only for scripts; empty: that of the preferences")

    def shows(self, context: bpy.types.Context, running: session.Session) -> list[Show]:
        """One take, or in the window as many as the sidebar says."""
        settings = context.scene.motus
        variations = 1 if self.wait else settings.variations
        asking.need(running, "text-to-motion")
        armature = None
        if self.armature:
            armature = context.scene.objects.get(self.armature)
            if armature is None or armature.type != "ARMATURE":
                raise BadRequest(f"There is no armature {self.armature!r} in this scene")
        prompt, seconds = self.prompt or settings.prompt, self.seconds or settings.seconds
        place = asking.stage(running, context, armature)
        seed = asking.seed_of(settings) if self.seed < 0 else self.seed
        if settings.append:
            shows = asking.onward(running, asking.at_end(place), prompt, seconds, seed, variations)
        else:
            shows = asking.generate(running, place, prompt, seconds, seed, variations)
        history = extension.preferences()
        if history is not None and not self.wait:
            history.remember(" ".join(prompt.split()))
        return shows


CLASSES = (MotusGenerate,)
