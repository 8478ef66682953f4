"""`kittiwake replay`: flies a recorded flight again and compares all that it puts out."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.build import read_image
from kittiwake.cli.link_access import LINK
from kittiwake.cli.outcome import Misuse, carry_out, message_of
from kittiwake.cli.replay_link import ReplayedLink
from kittiwake.cli.replay_steps import Steps, is_terminal
from kittiwake.cli.run import TEXT_LOG
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.system_files import SystemFiles
from kittiwake.replay.difference import instances_under_way
from kittiwake.replay.flight import Outcome, Replay
from kittiwake.replay.recording import NotARecording, Recording
from kittiwake.replay.thaw import ThawRefused
from kittiwake.runtime.image import ImageFault

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
    made.add_argument("--from", dest="begin", type=float, metavar="SECONDS", help="start at the last keyframe before")
    made.add_argument("--until", type=float, metavar="SECONDS", help="end at that time of the flight")
    made.add_argument("--step", action="store_true", help="print each dispatch; on a terminal, ask what comes next")
    made.add_argument(
        "--link", metavar="ADDRESS", help="send the downlink to a ground: tcp://HOST:PORT, tcp-listen://..."
    )
    made.add_argument("--speed", type=float, metavar="N", default=1.0, help="with --link: N times the pace, 0 at once")
    made.add_argument("--events", action="store_true", help="print the events, as they were in flight")
    return made


def _image(path: Path | None) -> Image | None:
    if path is None:
        return None
    try:
        return read_image(path)
    except ImageFault as fault:
        raise Misuse(str(fault)) from None


def _replay(options: Namespace) -> int:
    try:
        recording = Recording(SystemFiles(), str(options.recording.absolute()))
        replay = Replay(recording, _image(options.image), {} if options.events else {TEXT_LOG: {"console": False}})
    except (OSError, NotARecording, ImageFault) as fault:
        raise Misuse(message_of(fault)) from None
    source = replay.platform.source
    steps = Steps(replay, prints=options.step, asks=options.step and is_terminal(), until_ns=_ns(options.until))
    if options.step or options.until is not None:
        replay.platform.dispatch_watch.observer = steps.began
    link = None if options.link is None else ReplayedLink(options.link, options.speed)
    if link is not None:
        source.sent = partial(_send, link, replay)
    try:
        outcome = replay.run(_ns(options.begin))
    except (LookupError, ThawRefused) as fault:
        raise Misuse(f"--from: {fault}") from None
    finally:
        recording.close()
        if link is not None:
            link.close()
    status = tell(outcome)
    if link is not None and not link.sent_bytes:
        print("the ground was sent nothing: in flight none was connected up to there")
    return status


def _send(link: ReplayedLink, replay: Replay, time_ns: int, data: bytes) -> None:
    """Sends on what a link of the deployment sends; other streams lead to devices."""
    if replay.instances_of(LINK).isdisjoint(instances_under_way()):
        return
    try:
        link.send(time_ns, data)
    except OSError as fault:
        raise replay.platform.source.end(f"the ground has gone: {fault.strerror or fault}") from None


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * NS_PER_S)


def tell(outcome: Outcome) -> int:
    """Says how a replay ended; gives the exit status."""
    if outcome.difference is not None:
        print(outcome.difference.report())
        return DIFFERS
    flown_s = outcome.flight_ns / NS_PER_S
    print(f"equal: {outcome.outputs} outputs, {outcome.records} records, up to {flown_s:.3f} s of the flight")
    print(f"it ends there: {outcome.ended}")
    return EQUAL


def main(arguments: list[str]) -> int:
    """Replays a recording."""
    return carry_out(parser(), _replay, arguments)
