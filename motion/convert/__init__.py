"""Motion files of any format into any other: reading, writing, and whole folders of them."""
