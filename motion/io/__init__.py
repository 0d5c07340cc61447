"""Motion files of other programs, read into a Clip and written from one."""
