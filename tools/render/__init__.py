"""Pictures and films of bodies, drawn in numpy: no display, no graphics driver."""
