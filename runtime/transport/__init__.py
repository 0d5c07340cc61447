"""Sockets, the keys that let clients in, and what processes of ours tell each other."""
