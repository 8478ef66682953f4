"""Watching a replay dispatch by dispatch: a line for each, a time at which it ends, and a prompt on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S
from kittiwake.replay.difference import shown
from kittiwake.replay.freeze import own_attributes

if TYPE_CHECKING:
    from kittiwake.model.component import Component
    from kittiwake.replay.flight import Replay

PROMPT = "replay> "
HELP = """\
ENTER or next [N]  the next dispatch, or the next N
until SECONDS      all dispatches up to that time of the flight
show INSTANCE      what the instance holds now
list               the instances
go                 to the end, or to the first difference
quit               end the replay"""
TEXT_LIMIT = 100


class Steps:
    """Is told of each dispatch. Without a prompt it prints a line for each; with one it asks what comes next."""

    def __init__(self, replay: Replay, *, prints: bool, asks: bool, until_ns: int | None) -> None:
        self._replay = replay
        self._source = replay.platform.source
        self._prints = prints
        self._asks = asks
        self._until_ns = until_ns
        self._left = 0
        self._quiet_until_ns = 0

    def began(self, instance: str, call: str) -> None:
        """A dispatch comes next. Raises `ReplayEnded`."""
        flight_ns = self._source.time_ns - self._source.begun_ns
        if self._until_ns is not None and flight_ns >= self._until_ns:
            raise self._source.end(f"--until {self._until_ns / NS_PER_S:g} is reached")
        if not self._prints:
            return
        if self._left == 0 and flight_ns < self._quiet_until_ns:
            return
        print(f"{flight_ns / NS_PER_S:14.6f}  {instance}.{call}", flush=True)
        if self._asks:
            self._left -= self._left > 0
            if self._left == 0:
                self._ask()

    def _ask(self) -> None:
        """Takes commands until one lets the replay go on."""
        while True:
            try:
                words = input(PROMPT).split()
            except EOFError:
                words = ["quit"]
            if self._obey(words):
                return

    def _obey(self, words: list[str]) -> bool:
        """Carries out a command; says whether the replay goes on."""
        match words:
            case [] | ["next"]:
                self._left = 1
            case ["next", count] if count.isdecimal() and int(count):
                self._left = int(count)
            case ["until", seconds] if _is_number(seconds):
                self._quiet_until_ns = round(float(seconds) * NS_PER_S)
            case ["go"]:
                self._prints = False
            case ["quit"]:
                raise self._source.end("it was ended at the prompt")
            case ["list"]:
                print("\n".join(self._instances()))
                return False
            case ["show", name] if name in self._instances():
                print("\n".join(lines_of(self._instances()[name])))
                return False
            case ["show", name]:
                print(f"there is no instance {name}; `list` names all")
                return False
            case _:
                print(HELP)
                return False
        return True

    def _instances(self) -> dict[str, Component]:
        deployment = self._replay.deployment
        return {} if deployment is None else deployment.instances


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def lines_of(component: Component) -> list[str]:
    """What an instance holds: its channels, its parameters and state machines, and what it keeps besides."""
    declared = type(component).__declarations__
    lines = [f"channel {name} = {_text(getattr(component, name))}" for name in declared.channels]
    lines += [f"parameter {name} = {_text(getattr(component, name))}" for name in declared.parameters]
    for name in declared.machines:
        running = getattr(component, name)
        states = [one.state.name for one in (running if isinstance(running, list) else [running])]
        lines.append(f"state {name} = {', '.join(states)}")
    known = {"_cells", "_unsent", *declared.parameters, *declared.machines}
    kept = [name for name in own_attributes(component) if name not in known]
    return [*lines, *[f"{name} = {_text(getattr(component, name))}" for name in kept]]


def _text(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 3]}..."


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()
