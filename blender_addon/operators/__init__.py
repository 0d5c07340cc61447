"""What can be done: one file for each part of the sidebar."""
