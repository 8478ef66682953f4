"""The real application in this process, listening, with one deployment."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

from kittiwake_ground.api.app import make_app
from kittiwake_ground.server.ground import Ground

if TYPE_CHECKING:
    from kittiwake_ground.archive import Archive
    from kittiwake_ground.configuration import GroundConfiguration

START_TIMEOUT_S = 20.0


class Served:
    """A ground station on a port of this machine, a free one unless it is given; its loop runs in a thread."""

    def __init__(self, configuration: GroundConfiguration, archive: Archive | None = None, port: int = 0) -> None:
        self.url = ""
        self.port = port
        self._configuration = configuration
        self._archive = archive
        self._listening = threading.Event()
        self._server: Any = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._listening.wait(START_TIMEOUT_S)

    async def _serve(self) -> None:
        ground = Ground(self._configuration, self._archive)
        await ground.start()
        options: dict[str, Any] = {"log_level": "error", "access_log": False, "timeout_graceful_shutdown": 1}
        self._server = uvicorn.Server(uvicorn.Config(make_app(ground), host="127.0.0.1", port=self.port, **options))
        announcing = asyncio.create_task(self._announce())
        await self._server.serve()
        await announcing
        await ground.stop()

    async def _announce(self) -> None:
        while not self._server.started:
            await asyncio.sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._listening.set()

    def stop(self) -> None:
        """Ends it."""
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT_S)
        assert not self._thread.is_alive()
