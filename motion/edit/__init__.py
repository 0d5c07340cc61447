"""What an animator does to a clip: joins it to another, makes it loop, keeps it in place.

Cutting, resampling, turning, moving and mirroring stand in `motion.clip`. Every function takes clips and returns a new
one; none of them knows a skeleton by name.
"""
