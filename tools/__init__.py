"""Programs for people: set up, demo, test, check, view, bench."""
