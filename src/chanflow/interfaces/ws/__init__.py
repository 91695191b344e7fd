"""The WebSocket door: JSON-RPC calls and pushed events."""
