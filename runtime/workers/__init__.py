"""Worker processes: they own the models and carry out the orders of the front, here or on Ray Serve."""
