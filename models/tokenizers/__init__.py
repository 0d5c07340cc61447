"""Motion tokenizers: one paper, one file, the same contract."""
