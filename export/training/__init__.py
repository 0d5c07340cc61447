"""The training loop and the stages of a tokenizer's training."""
