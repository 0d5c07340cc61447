"""The factory: everything offline, from raw motion capture to a bundle."""
