"""`kittiwake replay`: flies a recorded flight again and compares all that it puts out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.run import TEXT_LOG
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.system_files import SystemFiles
from kittiwake.replay.flight import Outcome, Replay
from kittiwake.replay.recording import NotARecording, Recording
from kittiwake.runtime.image import ImageFault, load_image

if TYPE_CHECKING:
    from argparse import Namespace

    from kittiwake.runtime.image import Image

EQUAL, DIFFERS = 0, 1


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake replay",
        description="Fly a flight again that `kittiwake run --record` has recorded, and compare what it puts out byte "
        "for byte.",
        epilog="Exit status: 0 all is equal, 1 there is a difference, 2 the arguments or the recording cannot be used.",
    )
    made.add_argument("recording", type=Path, metavar="FILE", help="a recording")
    made.add_argument("--image", type=Path, help="fly this image instead of the one in the recording")
    made.add_argument("--events", action="store_true", help="print the events, as they were in flight")
    return made


def _image(path: Path | None) -> Image | None:
    if path is None:
        return None
    try:
        return load_image(path.read_bytes())
    except ImageFault as fault:
        raise Misuse(f"{path}: {fault}") from None


def _replay(options: Namespace) -> int:
    try:
        recording = Recording(SystemFiles(), str(options.recording.absolute()))
        replay = Replay(recording, _image(options.image), {} if options.events else {TEXT_LOG: {"console": False}})
    except (OSError, NotARecording, ImageFault) as fault:
        raise Misuse(str(fault)) from None
    return tell(replay.run())


def tell(outcome: Outcome) -> int:
    """Says how a replay ended; gives the exit status."""
    if outcome.difference is not None:
        print(outcome.difference.report())
        return DIFFERS
    flown_s = outcome.time_ns / NS_PER_S
    print(f"equal: {outcome.outputs} outputs, {outcome.records} records, up to {flown_s:.3f} s since boot")
    print(f"the recording ends: {outcome.ended}")
    return EQUAL


def main(arguments: list[str]) -> int:
    """Replays a recording."""
    return carry_out(parser(), _replay, arguments)
