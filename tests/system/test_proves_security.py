"""What must not happen on the whole PROVES deployment: forged commands that run, and loads that are on too early."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.wire.packets import command_packet
from kittiwake.wire.space_packet import TELECOMMAND, SpacePacketFramer
from kittiwake.wire.transfer_frame import TcFramer
from kittiwake_components.ports.mode import SystemMode
from tests.components.authenticator.signing import KEYS, ONE_KEY, SECRETS, sign, with_keys
from tests.system.proves_flight import FOLDER, ProvesFlight, built

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.virtual_time

AUTHENTICATOR = "ComCcsdsUart.authenticator"
ADDRESS = "tcp-listen://127.0.0.1:50000"
SETTINGS = {"ComCcsdsUart.link": {"url": ADDRESS}, AUTHENTICATOR: {"keys": KEYS}}
NO_OP_STRING = "CdhCore.cmdDisp.CMD_NO_OP_STRING"
FRAMER = TcFramer(0x44, 1)


class Uplink:
    """The satellite, whose key the ground holds, and somebody else who hears all of it and sends what he likes."""

    def __init__(self) -> None:
        self.flight = ProvesFlight(with_keys(ONE_KEY), SETTINGS).start()
        self.air = self.flight.platform.network.connect_tcp("127.0.0.1", 50000)
        self.flight.run(2)
        self.number = int(self.flight[AUTHENTICATOR].current_sequence_number)
        self.sent: list[bytes] = []
        self.wanted: list[str] = []
        self.count = 0
        self.packets = SpacePacketFramer(TELECOMMAND)

    def fresh(self, ahead: int = 1, secret: bytes | None = None) -> tuple[bytes, str]:
        """What the ground would sign next, or somebody with another key, and the text that the command reports."""
        self.count += 1
        text = f"command {self.count}"
        arguments = len(text).to_bytes(2, "big") + text.encode()
        packet = self.packets.frame(command_packet(opcode_of(NO_OP_STRING), arguments))
        return sign(self.number + ahead, data=packet, secret=secret), text

    def order(self, ahead: int = 1) -> None:
        """The ground sends a command, which must run."""
        signed, text = self.fresh(ahead)
        self.number += ahead
        self.wanted.append(text)
        self.sent.append(FRAMER.frame(signed))
        self.air.send(self.sent[-1])

    # What must not run

    def replay(self, which: int) -> None:
        if self.sent:
            self.air.send(self.sent[which % len(self.sent)])

    def reorder(self, which: int) -> None:
        late = FRAMER.frame(self.fresh()[0])
        self.order(ahead=2 + which % 9)
        self.air.send(late)

    def truncate(self, which: int) -> None:
        signed = self.fresh()[0]
        self.air.send(FRAMER.frame(signed[: 1 + which % (len(signed) - 1)]))

    def cut_off(self, which: int) -> None:
        frame = FRAMER.frame(self.fresh()[0])
        self.air.send(frame[: 1 + which % (len(frame) - 1)])

    def alter(self, which: int) -> None:
        signed = bytearray(self.fresh()[0])
        signed[which // 8 % len(signed)] ^= 1 << which % 8
        self.air.send(FRAMER.frame(bytes(signed)))

    def rekey(self, which: int) -> None:
        secret = hmac.new(SECRETS[0], which.to_bytes(4, "big"), "sha256").digest()[:16]
        self.air.send(FRAMER.frame(self.fresh(secret=secret)[0]))

    def outrun(self, which: int) -> None:
        self.air.send(FRAMER.frame(self.fresh(ahead=50_001 + which)[0]))

    def unsigned(self, which: int) -> None:
        self.air.send(FRAMER.frame(self.fresh()[0][6:-16]))


def opcode_of(name: str) -> int:
    """The opcode of a command."""
    return int(built()[1].commands[name].opcode)


ATTACKS: list[Callable[[Uplink, int], None]] = [
    Uplink.replay, Uplink.reorder, Uplink.truncate, Uplink.cut_off, Uplink.alter, Uplink.rekey, Uplink.outrun,
    Uplink.unsigned,
]  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from([None, *ATTACKS]), st.integers(0, 4000)), max_size=25)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_a_replayed_reordered_truncated_or_rekeyed_frame_never_executes(steps: list[tuple[Any, int]]) -> None:
    """Upstream: replays after a lost counter, and frames that only looked like harmless ones, ran.

    Through link, deframer, authenticator, router and dispatcher; what the ground signs runs once, in its order.
    """
    uplink = Uplink()
    for attack, which in steps:
        if attack is None:
            uplink.order()
        else:
            attack(uplink, which)
        uplink.flight.run(0.3)
    uplink.order()
    uplink.air.send(bytes(1100))  # lets go what a frame that was cut off holds up
    uplink.flight.run(3)
    heard = [args[0] for args in uplink.flight.named("CdhCore.cmdDisp.NoOpStringReceived")]
    assert heard == uplink.wanted
    uplink.flight.stop()


def test_only_what_proves_takes_unsigned_runs_unsigned_and_it_moves_nothing() -> None:
    """Upstream: the bypass ignores the kind of a packet, and what passed it moved the counter and the command loss."""
    uplink = Uplink()
    made, remaining = uplink.flight, uplink.flight["modeManager"].command_loss_remaining
    taken = ["CdhCore.cmdDisp.CMD_NO_OP", f"{AUTHENTICATOR}.GET_SEQ_NUM", "ReferenceDeployment.amateurRadio.TELL_JOKE"]
    refused = ["ReferenceDeployment.modeManager.FORCE_SAFE_MODE", "ComCcsdsLora.authenticator.GET_SEQ_NUM"]
    for name in [*taken, *refused]:
        uplink.air.send(FRAMER.frame(uplink.packets.frame(command_packet(opcode_of(name), b""))))
    # A FILE packet of kind DATA whose bytes at the opcode's place are those of CMD_NO_OP, and NO_OP with a byte more.
    uplink.air.send(FRAMER.frame(uplink.packets.frame(bytes.fromhex("0003 01 000000 00000000 0001 41"))))
    uplink.air.send(FRAMER.frame(uplink.packets.frame(command_packet(opcode_of(taken[0]), b"A"))))
    made.run(2)
    completed = [args[0] for args in made.named("CdhCore.cmdDisp.OpCodeCompleted")]
    assert sorted(completed) == sorted(opcode_of(name) for name in taken)
    assert made["ComCcsdsUart.router"].bypassed_packets == 3
    assert made["ComCcsdsUart.router"].rejected_packets == 4
    assert made["FileHandling.fileUplink"].packets_received == 0
    assert int(made[AUTHENTICATOR].current_sequence_number) == uplink.number
    assert made["modeManager"].command_loss_remaining < remaining
    made.stop()


def damage(made: ProvesFlight, change: Callable[[bytes], bytes]) -> None:
    """Damages every slot of the mode's record."""
    files = made.platform.files
    slots = [name for name in files.list(FOLDER) if name.startswith("mode_state.bin")]
    assert slots
    for name in slots:
        path = f"{FOLDER}/{name}"
        content = files.read(path, 4096)
        with files.open(path, "w") as file:
            file.truncate(0)
            file.write_at(0, change(content))
            file.sync()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: bytes(len(data)),
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    ],
)
def test_a_corrupt_mode_record_boots_safe_with_the_loads_off_before_anything_else_runs(
    change: Callable[[bytes], bytes],
) -> None:
    """Upstream: a corrupt file meant NORMAL, with the loads on."""
    made = ProvesFlight().start()
    made.run(5)
    assert made["modeManager"].current_mode == SystemMode.NORMAL
    assert "face0" in made.craft.loads.on
    made.stop()
    damage(made, change)
    platform: Any = made.platform.restart()
    again = ProvesFlight(platform)
    again.craft.loads.on.add("payloadPower")  # a switch that its power did not leave
    again.deployment.start()
    assert again.craft.loads.on == set(), "before the first turn of the loop"
    seen: list[set[str]] = []
    for _ in range(30):
        again.run(0.1)
        seen.append(set(again.craft.loads.on))
    assert seen == [set()] * 30
    assert again["modeManager"].current_mode == SystemMode.SAFE_MODE
    assert again.named("modeManager.StateRecovered") or again.named("modeManager.StatePersistenceFailure")
    again.stop()
