"""A small deployment of the whole communication stack on a simulated machine, and the ground's end of its link."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.decode import Decoder, encode_command
from kittiwake.dictionary.export import write_dictionary
from kittiwake.dictionary.load import load_dictionary
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake.runtime.image import Image

HOST = "127.0.0.1"
PORT = 5000
TCP = f"tcp-listen://{HOST}:{PORT}"
UDP = f"udp://{HOST}:6001?listen=6000"
KEYS = "/keys"
NO_OP = "Stack.cmdDisp.CMD_NO_OP"
COMPLETED = "Stack.cmdDisp.OpCodeCompleted"


TOPOLOGY = Path(__file__).with_name("stack.yaml")


@cache
def _built(folder: Path, path: Path) -> tuple[Image, Dictionary]:
    topology = load_topology(path)
    dictionary = folder / "Stack.json"
    write_dictionary(str(dictionary), topology, "test")
    return build_image(topology, ""), load_dictionary(str(dictionary))


class Stack:
    """The deployment, running in virtual time."""

    def __init__(
        self, folder: Path, link: str = TCP, framing: str = "ccsds", seed: int = 1, keys: str = "",
        topology: Path = TOPOLOGY, **settings: Any,
    ) -> None:  # fmt: skip
        image, self.dictionary = _built(folder, topology)
        self.framing = framing
        self.platform = SimulatedPlatform(seed)
        self.platform.files.make_folder("/root")
        if keys:
            self.write_keys(keys)
            settings["authenticator_keys"] = KEYS
        merged = {
            "ComCcsds.link": {"url": link},
            "ComCcsds.framer": {"framing": framing},
            "ComCcsds.deframer": {"framing": framing},
        }
        for name, value in settings.items():
            instance, _, setting = name.partition("_")
            merged.setdefault(f"ComCcsds.{instance}", {})[setting] = value
        self.deployment = Deployment(image, self.platform, Root(self.platform.files, "/root"), merged)
        self.deployment.start()

    def write_keys(self, text: str) -> None:
        """Puts a key file where it will be looked for."""
        with self.platform.files.open(KEYS, "w") as file:
            file.write_at(0, text.encode())

    def component(self, name: str) -> Any:
        """An instance of the subtopology."""
        return self.deployment.instances[f"ComCcsds.{name}"]

    def run_for(self, seconds: float) -> None:
        """Lets virtual time pass."""
        self.deployment.run_for(seconds)


class Ground:
    """The ground's end: it frames commands and keeps what comes down."""

    def __init__(self, stack: Stack, stream: Any = None, seal: Callable[[bytes], bytes] | None = None) -> None:
        self.stack = stack
        network = stack.platform.network
        self.stream: Any = network.connect_tcp(HOST, PORT) if stream is None else stream
        framing = FRAMINGS[stack.framing]
        self._framer = framing.uplink_framer(FramingParameters(seal=seal))
        self._deframer = framing.downlink_deframer(FramingParameters())
        self._decoder = Decoder(stack.dictionary)
        self._unsent = b""
        self.news: list[Any] = []
        self.received_bytes = 0

    def frames(self, name: str, count: int = 1, arguments: Sequence[Any] = ()) -> list[bytes]:
        """Framed commands."""
        packet = encode_command(self.stack.dictionary, name, arguments)
        return [self._framer.frame(packet) for _ in range(count)]

    def send(self, data: bytes) -> None:
        """Sends as much as the link takes; the rest goes with `exchange`."""
        self._unsent += data
        self._unsent = self._unsent[self.stream.send(self._unsent) :]

    def receive(self) -> None:
        """Takes in all that has come."""
        while data := self.stream.receive(1 << 16):
            self.received_bytes += len(data)
            for packet in self._deframer.feed(data):
                self.news += self._decoder.decode(packet)

    def exchange(self, seconds: float, step_s: float = 0.01) -> None:
        """Sends and receives for a while."""
        for _ in range(round(seconds / step_s)):
            self.send(b"")
            self.stack.run_for(step_s)
            self.receive()

    def events(self, name: str) -> list[Any]:
        """The events of one name that came down."""
        return [one for one in self.news if one.name == name and hasattr(one, "severity")]

    def channel(self, name: str) -> Any:
        """The latest value of a channel that came down."""
        values = [one.value for one in self.news if one.name == name and hasattr(one, "value")]
        return values[-1] if values else None
