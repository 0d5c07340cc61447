"""The front of the service: sockets of clients, admission, queues, live sessions; it never waits for a model."""
