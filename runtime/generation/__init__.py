"""From a request to frames: codes, features, motion in the world, piece by piece."""
