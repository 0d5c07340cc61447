"""The service: a language model and its engines, answering over ZeroMQ."""
