"""The REST and WebSocket interface of the server."""
