"""A link without a network, and what a deployment at its other end says, written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.link_address import parse_link
from kittiwake_ground.link import GroundLink, LinkLost
from kittiwake_ground.station import Station

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.dictionary.entries import Dictionary

    Answer = Callable[[bytes], Iterable[bytes]]


LONG_S = 0.35


class ScriptedLink(GroundLink):
    """Gives each packet that is sent to `answer`, and then delivers the packets that it returns."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(parse_link("tcp://127.0.0.1:1"))
        self.sent: list[bytes] = []
        self._answer = answer
        self._waiting = b""
        self._uplink = FRAMINGS["fprime"].uplink_deframer(FramingParameters())
        self._downlink = FRAMINGS["fprime"].downlink_framer(FramingParameters())

    def deliver(self, *packets: bytes) -> None:
        """Has the deployment send packets."""
        self._waiting += b"".join([self._downlink.frame(packet) for packet in packets])

    def connect(self, timeout_s: float) -> None:
        """Is connected at once."""

    def receive(self, timeout_s: float) -> bytes:
        """What was delivered; a longer wait for nothing is a lost link, as nothing ever will be."""
        if not self._waiting and timeout_s > LONG_S:
            raise LinkLost("the script is at its end")
        data, self._waiting = self._waiting, b""
        return data

    def send(self, data: bytes) -> None:
        """Takes packets."""
        for packet in self._uplink.feed(data):
            self.sent.append(packet)
            self.deliver(*self._answer(packet))


def silent(packet: bytes) -> list[bytes]:
    """A deployment that answers nothing."""
    return []


def make_station(dictionary: Dictionary, answer: Answer = silent) -> tuple[Station, ScriptedLink, list[str]]:
    """A station on a scripted link, and the complaints that it makes."""
    link = ScriptedLink(answer)
    complaints: list[str] = []
    return Station(link, dictionary, "fprime", complaints.append), link, complaints
