"""The sidebar: one file for each group of panels, all in the tab Motus."""
