"""Torch modules and the task rows they are trained on; nothing here reads a data set or opens a socket."""
