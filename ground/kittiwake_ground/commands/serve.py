"""`kittiwake ground serve`: the ground station as a server, with API, archive and dashboard."""

from __future__ import annotations

import argparse
import dataclasses
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from fastapi import FastAPI

    from kittiwake_ground.configuration import DeploymentConfiguration, GroundConfiguration
    from kittiwake_ground.server.ground import Ground

PROGRAM = "kittiwake ground serve"
ENDING = (signal.SIGINT, signal.SIGTERM)
USERS_NAME = "users.json"
GRACE_S = 3
"""How long open connections have to end when the server stops, in seconds."""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        PROGRAM, description="Serve deployments: links, commands, files, archive, API and dashboard, until interrupted."
    )
    made.add_argument("--config", type=Path, metavar="FILE", help="ground.toml; options say more than it does")
    made.add_argument(
        "--deployment", type=_deployment, action="append", default=[], metavar="NAME=DICTIONARY,LINK[,FRAMING]",
        help="a deployment, as in station=build/TopologyDictionary.json,tcp://127.0.0.1:50000; may be repeated",
    )  # fmt: skip
    made.add_argument(
        "--keys", type=_keys, action="append", default=[], metavar="[NAME=]FILE",
        help="sign a deployment's commands with the active key of FILE (`kittiwake keys`); may be repeated",
    )  # fmt: skip
    made.add_argument(
        "--building", type=_building, action="append", default=[], metavar="[NAME=]URL,TOKENFILE",
        help="a deployment's building API, and a file that has a token for it, for the dashboard; may be repeated",
    )  # fmt: skip
    made.add_argument("--host", help="where to listen (default: 127.0.0.1); others need a users file")
    made.add_argument("--port", type=int, help="0 takes a free one (default: 8090)")
    made.add_argument("--folder", type=Path, help="for the audit trail and files (default: var/ground)")
    made.add_argument(
        "--users", type=Path, metavar="FILE",
        help=f"people and tokens (`kittiwake ground users`); default: {USERS_NAME} in --folder, if it is there",
    )  # fmt: skip
    either = made.add_mutually_exclusive_group()
    either.add_argument("--archive", type=Path, metavar="DIR", help="where to archive (default: archive in --folder)")
    either.add_argument("--no-archive", action="store_true", help="keep nothing but the last values and events")
    made.add_argument("--keep-days", type=float, metavar="N", help="how long the archive keeps things (default: 90)")
    made.add_argument(
        "--parquet", type=Path, metavar="DIR",
        help="keep long history there as Parquet files by day; the archive lets go of samples only once they are there",
    )  # fmt: skip
    made.add_argument(
        "--procedures", type=Path, metavar="DIR",
        help="a folder of Python procedures that operators run from here (docs/client.md)",
    )  # fmt: skip
    made.add_argument("--no-dashboard", action="store_true", help="serve the API alone")
    return made


def _deployment(text: str) -> DeploymentConfiguration:
    from kittiwake_ground.configuration import ConfigurationFault, parse_deployment

    try:
        return parse_deployment(text)
    except ConfigurationFault as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None


def _keys(text: str) -> tuple[str, Path]:
    name, equals, path = text.rpartition("=")
    if not path or (equals and not name):
        raise argparse.ArgumentTypeError(f"{text!r} should be FILE or NAME=FILE")
    return name, Path(path)


def _building(text: str) -> tuple[str, tuple[str, Path]]:
    address, comma, path = text.partition(",")
    name, equals, url = address.rpartition("=")
    if not comma or not path or not url or (equals and not name):
        raise argparse.ArgumentTypeError(f"{text!r} should be URL,TOKENFILE or NAME=URL,TOKENFILE")
    return name, (url, Path(path))


def main(arguments: list[str]) -> int:
    """Serves until it is interrupted; 1 if it cannot, 2 if the arguments make no sense."""
    return carry_out(parser(), _serve, arguments)


def configuration_of(options: argparse.Namespace) -> GroundConfiguration:
    """What the file and the options say together. Raises `OSError` and `ConfigurationFault`."""
    from kittiwake_ground.configuration import ConfigurationFault, GroundConfiguration, read_configuration

    base = GroundConfiguration() if options.config is None else read_configuration(options.config)
    said: dict[str, Any] = {
        name: value
        for name in ("host", "port", "folder", "users", "archive", "keep_days", "parquet", "procedures")
        if (value := getattr(options, name)) is not None
    }
    deployments = {one.name: one for one in (*base.deployments, *options.deployment)}
    said_of = [("--keys", name, {"keys": path}) for name, path in options.keys]
    said_of += [
        ("--building", name, {"building": url, "building_token": path}) for name, (url, path) in options.building
    ]
    for option, name, members in said_of:
        for chosen in [name] if name else list(deployments):
            if chosen not in deployments:
                raise ConfigurationFault(f"{option}: there is no deployment {chosen!r}")
            deployments[chosen] = dataclasses.replace(deployments[chosen], **members)
    folder = said.get("folder", base.folder)
    archive = None if options.no_archive else said.get("archive", base.archive or folder / "archive")
    kept = folder / USERS_NAME
    if "users" not in said and base.users is None and kept.exists():
        said["users"] = kept
    return dataclasses.replace(base, **{**said, "archive": archive, "deployments": tuple(deployments.values())})


def _serve(options: argparse.Namespace) -> int:
    import asyncio

    from kittiwake.cli.outcome import Misuse

    configuration = configuration_of(options)
    if not configuration.deployments:
        raise Misuse("no deployment is named: use --deployment, or --config with [deployments.NAME]")
    return asyncio.run(_run(configuration, dashboard=not options.no_dashboard))


async def _run(configuration: GroundConfiguration, dashboard: bool) -> int:
    import asyncio

    # From here on a signal ends us in order, also while what we serve is still being imported.
    loop, is_ended = asyncio.get_running_loop(), asyncio.Event()
    for number in ENDING:
        loop.add_signal_handler(number, is_ended.set)
    try:
        return await _serve_until(is_ended, configuration, dashboard)
    finally:
        for number in ENDING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)  # asked once more while the interpreter ends, it would die of it


async def _serve_until(is_ended: asyncio.Event, configuration: GroundConfiguration, dashboard: bool) -> int:
    from contextlib import ExitStack

    from kittiwake_ground.archive import Archive, Retention
    from kittiwake_ground.longterm.exporting import ExportedBefore
    from kittiwake_ground.server.ground import Ground

    with ExitStack() as stack:
        archive = None
        if configuration.archive is not None:
            configuration.archive.mkdir(parents=True, exist_ok=True)
            hold = None
            if configuration.parquet is not None:
                hold = ExportedBefore(configuration.archive, configuration.parquet)
            retention = Retention(samples_s=configuration.keep_days * 86400.0, hold=hold)
            archive = stack.enter_context(Archive(configuration.archive, retention))
        ground = Ground(configuration, archive)
        _check_people(configuration, ground)
        await ground.start()
        try:
            return await _listen(_application(ground, dashboard), ground, is_ended)
        finally:
            await ground.stop()


def _check_people(configuration: GroundConfiguration, ground: Ground) -> None:
    """Raises `ValueError` where nobody has a password and somebody must: others can reach us, or a file is named."""
    if ground.desk.has_users:
        return
    if configuration.users is not None:
        file = configuration.users
        raise ValueError(f"{file}: nobody is in it; `kittiwake ground users add NAME --users {file}` adds somebody")
    if not configuration.is_local:
        raise ValueError(
            f"{configuration.host} can be reached by others, so there must be somebody with a password: "
            "`kittiwake ground users add NAME --users FILE`, and serve with --users FILE"
        )


def _application(ground: Ground, dashboard: bool) -> FastAPI:
    from kittiwake_ground.api.app import make_app

    app = make_app(ground)
    if dashboard:
        from kittiwake_ground.dashboard import mount_dashboard

        mount_dashboard(app, ground)
    return app


async def _listen(app: FastAPI, ground: Ground, is_ended: asyncio.Event) -> int:
    """Listens until SIGINT or SIGTERM, both of which end the server in order. Raises `OSError` if it cannot."""
    import asyncio
    from contextlib import contextmanager

    import uvicorn

    class Server(uvicorn.Server):
        """uvicorn's, but for its way with signals.

        It raises them anew at the end, before we have tidied up. One that comes while it starts, or a second one, would
        have it return without telling the application, whose task is then cancelled with a traceback; `GRACE_S` bounds
        how long the end takes.
        """

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def on_tick(self, counter: int) -> bool:
            return await super().on_tick(counter) or is_ended.is_set()

    configuration = ground.configuration
    server = Server(
        uvicorn.Config(
            app, host=configuration.host, port=configuration.port, log_level="warning", access_log=False,
            timeout_graceful_shutdown=GRACE_S, ws_max_size=1 << 20, server_header=False, lifespan="on",
        )
    )  # fmt: skip
    announcing = asyncio.create_task(_announce(server, ground))
    try:
        await server.serve()
    except SystemExit:
        raise OSError(f"{configuration.host}:{configuration.port} cannot be listened on; is it in use?") from None
    finally:
        announcing.cancel()
    return 0


async def _announce(server: Any, ground: Ground) -> None:
    """Prints the address once it is listened on, and tells it to whoever runs procedures."""
    import asyncio

    while not server.started:
        await asyncio.sleep(0.01)
    for one in server.servers:
        for socket in one.sockets:
            host, port = socket.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            ground.procedures.url = own_address(host, port)
            print(f"Ground station: http://{shown}:{port}/", flush=True)


def own_address(host: str, port: int) -> str:
    """Where programs on this machine reach what listens on a host and port."""
    if host in ("0.0.0.0", "::"):
        return f"http://127.0.0.1:{port}" if host == "0.0.0.0" else f"http://[::1]:{port}"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
