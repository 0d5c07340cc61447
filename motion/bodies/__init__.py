"""Skinned bodies for skeletons: the wooden mannequin, plain capsules, and the surfaces they are swept from."""
