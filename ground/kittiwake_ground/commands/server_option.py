"""Which way a sub-command takes: through a ground station's server, or straight over a link.

Straight if an option of the link or the dictionary is given; else through the server that `--server` or
`KITTIWAKE_GROUND` names, else through one at the default address if it is there, else straight over the default link.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands import session
from kittiwake_ground.configuration import DEFAULT_URL

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from kittiwake_ground.client.asynchronous import AsyncGround
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.faults import RequestRefused

VARIABLE = "KITTIWAKE_GROUND"
PROBE_TIMEOUT_S = 0.5
STRAIGHT = ("link", "framing", "connect_timeout", "keys", "spi", "authenticator", "dictionary", "topology")
MISUSED = (404, 422)
"""Statuses of requests for what there is not, or with what does not fit."""


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name a server and one of its deployments."""
    parser.add_argument(
        "--server", metavar="URL",
        help=f"the ground station's server (default: ${VARIABLE}, or {DEFAULT_URL}); its token is "
        f"${VARIABLE}_TOKEN",
    )  # fmt: skip
    parser.add_argument("--deployment", default="", metavar="NAME", help="which of its deployments, if it has several")


def add_way_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of both ways."""
    add_server_options(parser)
    session.add_session_options(parser)


def server_address(options: argparse.Namespace) -> str:
    """The server of a sub-command that has no other way."""
    return options.server or os.environ.get(VARIABLE) or DEFAULT_URL


def server_of(options: argparse.Namespace) -> str | None:
    """The server to go through, or `None` to go straight over the link. Raises `Misuse` for both at once."""
    straight = [name for name in STRAIGHT if getattr(options, name) is not None]
    if straight:
        if options.server or options.deployment:
            raise Misuse(f"either through a server, or straight with --{straight[0].replace('_', '-')}")
        return None
    if options.server or options.deployment or os.environ.get(VARIABLE):
        return server_address(options)
    if _answers(DEFAULT_URL):
        return DEFAULT_URL
    session.complain(f"No ground station at {DEFAULT_URL}: straight over {session.DEFAULT_LINK}.")
    return None


def _answers(address: str) -> bool:
    """Whether somebody listens there."""
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False


def through_ground(address: str, action: Callable[[AsyncGround], Awaitable[int]]) -> int:
    """Does something with a server and gives its status.

    Raises `Misuse` for what the server does not know or cannot take as given, `Faults` for a sequence with faults, and
    `ValueError` or `OSError` for whatever else went wrong, all of them with what to say.
    """
    import asyncio

    from kittiwake_ground.client import (
        AsyncGround,
        CommandFailed,
        RequestRefused,
        SequenceFailed,
        ServerUnreachable,
        TransferFailed,
    )

    async def act() -> int:
        async with AsyncGround(address) as ground:
            return await action(ground)

    try:
        return asyncio.run(act())
    except RequestRefused as fault:
        raise _shown(fault) from None
    except ServerUnreachable as fault:
        hint = "start one with `kittiwake ground serve`, or name it with --server"
        raise ConnectionError(f"{fault}; {hint}") from None
    except (CommandFailed, TransferFailed, SequenceFailed) as fault:
        raise ValueError(str(fault)) from None


def through_server(
    options: argparse.Namespace, address: str, action: Callable[[AsyncDeployment], Awaitable[int]]
) -> int:
    """Does something with the deployment that the options name. Raises as `through_ground`."""

    async def act(ground: AsyncGround) -> int:
        return await action(await ground.deployment(options.deployment))

    return through_ground(address, act)


def by_either_way(
    options: argparse.Namespace, straight: Callable[[argparse.Namespace], int],
    through: Callable[[AsyncDeployment, argparse.Namespace], Awaitable[int]],
) -> int:  # fmt: skip
    """Does something straight over the link, or through the server where the options or an answer say so."""
    address = server_of(options)
    if address is None:
        return straight(options)
    return through_server(options, address, lambda station: through(station, options))


def _shown(fault: RequestRefused) -> ValueError:
    if fault.status in MISUSED and not any("line" in one for one in fault.errors):
        return Misuse(str(fault))
    return ValueError(str(fault))
