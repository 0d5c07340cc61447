"""What every program must agree on: rotations, skeletons, clips, files and messages, on numpy alone."""

__version__ = "0.2.0"
