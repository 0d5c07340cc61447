"""Bundles: the folder in which training hands a system to the service, and the engine files beside it."""
