"""The language model at work: prompts, decoding, sampling."""
