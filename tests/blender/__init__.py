"""The extension in real Blenders: headless ones as a module, and one with a window."""

MARK = "@@motus "
"""what begins the lines in which a Blender answers"""
