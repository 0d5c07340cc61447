"""The Python clients: `Client`, whose calls wait, and `AsyncClient`, whose calls are awaited; one dialogue for both."""

from motion.protocol.dialogue import Event
from runtime.client.async_client import AsyncClient, AsyncGeneration, AsyncLive
from runtime.client.client import WINDOW, Client, Generation, Live
from runtime.client.result import Result

__all__ = ["WINDOW", "AsyncClient", "AsyncGeneration", "AsyncLive", "Client", "Event", "Generation", "Live", "Result"]
