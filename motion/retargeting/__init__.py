"""Motion from one body onto another: which joint is which, how their axes differ, and feet that stay on the ground."""
