"""The reference deployment on a simulated machine, and every byte that it sends to a ground."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import encode_command
from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from tests.peers import ROOT

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.topology.model import Topology

HOST, PORT = "127.0.0.1", 50000


@cache
def reference() -> tuple[Topology, Dictionary]:
    """The reference topology and its dictionary."""
    topology = load_topology(ROOT / "topologies" / "reference.yaml")
    return topology, read_dictionary(export_dictionary(topology, "test"), "reference")


class Downlink:
    """The deployment in virtual time, with a ground on its link from the start."""

    def __init__(self, framing: str = "ccsds", rates: dict[str, int] | None = None, level: int = 1) -> None:
        topology, self.dictionary = reference()
        image = build_image(topology, "")
        store = [name for name, *_ in image["instances"]].index("CdhCore.tlmSend")
        image["parameters"].append((store, "level", level.to_bytes(4, "big")))
        platform: Any = SimulatedPlatform(1)
        platform.files.make_folder("/root")
        settings: dict[str, dict[str, Any]] = {
            "ComCcsds.link": {"url": f"tcp-listen://{HOST}:{PORT}"},
            "ComCcsds.framer": {"framing": framing},
            "ComCcsds.deframer": {"framing": framing},
            "CdhCore.tlmSend": {"rates": rates or {}},
        }
        self.deployment = Deployment(image, platform, Root(platform.files, "/root"), settings)
        self.deployment.start()
        self.deployment.run_for(0.1)
        self._stream = platform.network.connect_tcp(HOST, PORT)
        self._up = FRAMINGS[framing].uplink_framer(FramingParameters())
        self._down = FRAMINGS[framing].downlink_deframer(FramingParameters())
        self.deployment.run_for(0.1)

    def send(self, name: str, *arguments: Any) -> None:
        """Sends a command up."""
        self._stream.send(self._up.frame(encode_command(self.dictionary, name, arguments)))

    def receive(self, seconds: float) -> tuple[int, list[bytes]]:
        """Lets time pass; the bytes that came on the link, and the packets in them."""
        total = 0
        packets: list[bytes] = []
        for _ in range(round(seconds * 10)):
            self.deployment.run_for(0.1)
            while data := self._stream.receive(1 << 20):
                total += len(data)
                packets += self._down.feed(data)
        return total, packets
