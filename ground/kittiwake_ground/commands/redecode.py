"""`kittiwake ground redecode`: decodes raw frames of the archive again by another dictionary."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    from kittiwake.wire.framing import FRAMINGS

    made = argparse.ArgumentParser(
        "kittiwake ground redecode",
        description="Decode the raw frames that were received in a time by another dictionary, say what that changes, "
        "and put it in the place of what the archive has. Raw frames are kept where ground.toml says raw_frames.",
    )
    made.add_argument("--dictionary", type=Path, required=True, metavar="FILE", help="the dictionary to decode with")
    made.add_argument(
        "--from",
        dest="start",
        required=True,
        metavar="TIME",
        help="2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h",
    )
    made.add_argument("--to", dest="end", required=True, metavar="TIME", help="likewise")
    made.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    made.add_argument("--packet-set", default="", metavar="NAME", help="if the dictionary has several")
    made.add_argument("--json", action="store_true", help="the summary as JSON")
    made.add_argument("--archive", type=Path, metavar="DIR", help="an archive that no server uses, instead of a server")
    made.add_argument("--framing", choices=FRAMINGS, default="ccsds", help="with --archive (default: %(default)s)")
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Decodes again; 1 if that cannot be done, 2 for a time or name that makes no sense."""
    return carry_out(parser(), _redecode, arguments)


def _redecode(options: argparse.Namespace) -> int:
    if options.archive is not None:
        return _offline(options)
    content = _dictionary_object(options.dictionary)

    async def act(station: AsyncDeployment) -> int:
        found = await station.past.redecode(content, options.start, options.end, options.dry_run, options.packet_set)
        _tell(options, found, bool(found["written"]))
        return 0

    return through_server(options, server_address(options), act)


def _dictionary_object(path: Path) -> dict[str, Any]:
    from kittiwake.dictionary.load import load_dictionary

    load_dictionary(str(path))  # its faults are told better here than by the server
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _offline(options: argparse.Namespace) -> int:
    from kittiwake.dictionary.load import load_dictionary
    from kittiwake_ground.archive import Archive, Retention
    from kittiwake_ground.archive.opening import DATABASE
    from kittiwake_ground.client.times import when_us
    from kittiwake_ground.redecoding import put_in_place, redecode

    if not (options.archive / DATABASE).exists():
        raise FileNotFoundError(f"{options.archive} is no archive")
    dictionary = load_dictionary(str(options.dictionary))
    keep_all = Retention(None, None, None, None, None, None)
    start_us, end_us = when_us(options.start), when_us(options.end)
    assert start_us is not None
    assert end_us is not None
    with Archive(options.archive, keep_all) as archive:
        name = _only(options.deployment, archive.deployments())
        found = redecode(archive, name, dictionary, start_us, end_us, options.framing, options.packet_set)
        written = found.is_change and not options.dry_run
        if written:
            put_in_place(archive, found)
    _tell(options, found.summary(), written)
    return 0


def _only(name: str, known: list[str]) -> str:
    if name in known:
        return name
    if name or len(known) != 1:
        raise Misuse(f"which deployment? The archive has {', '.join(known) or 'none'}")
    return known[0]


def _tell(options: argparse.Namespace, found: dict[str, Any], written: bool) -> None:
    from kittiwake.dictionary.lines import one_line

    if options.json:
        print(json.dumps({**found, "written": written}, ensure_ascii=False))
        return
    print(f"{found['deployment']}: {found['frames']} frames by dictionary {found['dictionary_hash'][:12]}")
    for kind in ("samples", "events"):
        numbers = [found[f"{kind}_{side}"] for side in ("before", "after", "same")]
        print(f"{kind}: {numbers[0]} before, {numbers[1]} after, {numbers[2]} the same")
    if found["undecodable"]:
        print(f"{found['undecodable']} packets cannot be decoded by it")
    if found["kept"]:
        print(f"{found['kept']} samples of channels that it does not have stay as they are")
    for one in (*found["changed_channels"], *found["changed_events"]):
        print(one_line(f"  {one['name']}: {one['before']} -> {one['after']}, {one['same']} the same  {one['example']}"))
    print("written" if written else "nothing is written: it is a dry run" if found["changes"] else "nothing changes")
