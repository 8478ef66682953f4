"""The led end of `tests.building.led_process`: reads orders from the standard input, and answers each."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def obey_orders(obey: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> NoReturn:
    """Carries out orders until the leading process closes its end."""
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        try:
            say(await obey(json.loads(line)))
        except Exception as fault:  # noqa: BLE001 - the test that gave the order is to see it
            say({"fault": repr(fault)})
    sys.exit(0)


def say(answer: dict[str, Any]) -> None:
    """Writes one line to the leading process."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
