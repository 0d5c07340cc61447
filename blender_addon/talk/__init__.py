"""Talking to a server: the connection, requests, live sessions, a server of one's own."""
