"""A client of the desk over HTTP and WebSocket. It knows what the API says, and nothing else of chanflow.

`Client` is for coroutines, `SyncClient` for plain code; `MCPClient` is another name of the first.
"""

from __future__ import annotations

from chanflow.client.client import Client
from chanflow.client.fault import ChanflowClientError
from chanflow.client.subscription import Event
from chanflow.client.sync_client import SyncClient

MCPClient = Client

__all__ = ["ChanflowClientError", "Client", "Event", "MCPClient", "SyncClient"]
