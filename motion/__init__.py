"""What every program must agree on: rotations, skeletons, clips, files and messages, on numpy alone."""
