"""The whole way up with signatures, on a simulated machine: link, deframer, authenticator, router, dispatcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.wire.security_association import make_association
from kittiwake.wire.uplink_keys import AES_GCM, UplinkKey
from kittiwake.wire.uplink_signer import UplinkSigner
from tests.components.authenticator.signing import CREATED, ONE_KEY, SECRETS
from tests.components.link.stack import COMPLETED, NO_OP, Ground, Stack

if TYPE_CHECKING:
    from pathlib import Path

AUTHENTICATOR = "ComCcsds.authenticator"
GET_SEQ_NUM = f"{AUTHENTICATOR}.GET_SEQ_NUM"
FRAMINGS = ["ccsds", "fprime"]
GCM_KEY = f"0 active {CREATED} {SECRETS[0].hex()} {AES_GCM}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


class SigningGround(Ground):
    """A ground that signs, and listens to the acceptance report before it does."""

    def __init__(self, stack: Stack, algorithm: str = "hmac-sha256") -> None:
        association = make_association(UplinkKey(0, True, CREATED, SECRETS[0], algorithm))
        self.signer = UplinkSigner(association, None, lambda number: None, bytes)
        super().__init__(stack, seal=self.signer.seal)

    def synchronise(self) -> None:
        report = self.channel(f"{AUTHENTICATOR}.AcceptanceReport")
        self.signer.take_report(report[0][2])

    def count(self, name: str) -> Any:
        return self.channel(f"{AUTHENTICATOR}.{name}")


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("keys,algorithm", [(ONE_KEY, "hmac-sha256"), (GCM_KEY, AES_GCM)])
def test_signed_commands_run_once_and_no_others(folder: Path, framing: str, keys: str, algorithm: str) -> None:
    """REQ-AU-001, REQ-AU-006, REQ-DF-007: also when they are played again, out of order or unsigned."""
    stack = Stack(folder, framing=framing, keys=keys)
    ground = SigningGround(stack, algorithm)
    ground.exchange(2.5)
    assert ground.channel("ComCcsds.deframer.UplinkSecurity").name == "AUTHENTICATED"
    ground.synchronise()
    frames = ground.frames(NO_OP, 3)
    unsigned = Ground(stack, ground.stream).frames(NO_OP)
    ground.send(frames[0] + frames[2] + frames[1] + frames[0] + unsigned[0] + frames[2])
    ground.exchange(2.5)
    assert len(ground.events(COMPLETED)) == 2
    assert ground.count("FramesAccepted") == 2
    assert ground.count("RefusedOutOfWindow") == 3
    assert ground.channel("ComCcsds.router.RoutedPackets") == 2


@pytest.mark.parametrize("framing", FRAMINGS)
def test_the_bypass_list_lets_a_ground_without_a_number_ask_for_it(folder: Path, framing: str) -> None:
    """REQ-RT-010: bare, and wrapped in a signature that is old, as PROVES' ground sends it."""
    stack = Stack(folder, framing=framing, keys=ONE_KEY, router_bypass=["0:6:0x0200B000"])
    ground = SigningGround(stack)
    ground.exchange(0.5)
    wrapped = ground.frames(GET_SEQ_NUM)[0]
    bare = Ground(stack, ground.stream).frames(GET_SEQ_NUM)[0]
    ground.send(wrapped + bare + Ground(stack, ground.stream).frames(NO_OP)[0])
    ground.exchange(2.5)
    told = ground.events(f"{AUTHENTICATOR}.SequenceNumberGet")
    assert len(told) == 2
    assert len(ground.events("ComCcsds.router.BypassUsed")) == 2
    assert len(ground.events(COMPLETED)) == 2
    assert ground.channel("ComCcsds.router.BypassedPackets") == 2
    assert ground.channel("ComCcsds.router.RejectedPackets") == 1
    ground.signer.take_report(told[0].args[0])
    ground.send(ground.frames(NO_OP)[0])
    ground.exchange(0.5)
    assert len(ground.events(COMPLETED)) == 3


def test_the_number_cannot_be_set_unsigned(folder: Path) -> None:
    """REQ-RT-011: even if somebody puts SET_SEQ_NUM on the bypass list."""
    stack = Stack(folder, keys=ONE_KEY, router_bypass=["0:10:0x0200B001", "0:8:0x0200B002"])
    ground = SigningGround(stack)
    ground.exchange(2.5)
    assert [event.args[0] for event in ground.events("ComCcsds.router.BypassRefused")] == [0x0200B001, 0x0200B002]
    before = ground.count("CurrentSequenceNumber")
    unsigned = Ground(stack, ground.stream)
    ground.send(unsigned.frames(f"{AUTHENTICATOR}.SET_SEQ_NUM", arguments=[before + 5 & 0xFFFFFFFF])[0])
    ground.exchange(1.5)
    assert not ground.events(f"{AUTHENTICATOR}.SequenceNumberSet")
    ground.synchronise()
    ground.send(ground.frames(f"{AUTHENTICATOR}.SET_SEQ_NUM", arguments=[before + 5 & 0xFFFFFFFF])[0])
    ground.exchange(1.5)
    assert ground.events(f"{AUTHENTICATOR}.SequenceNumberSet")[0].args[0] == before + 5 & 0xFFFFFFFF


def test_a_burst_of_signed_commands_is_answered_in_full(folder: Path) -> None:
    """REQ-AU-001: nothing that was accepted is lost behind the authenticator."""
    stack = Stack(folder, keys=ONE_KEY)
    ground = SigningGround(stack)
    ground.exchange(2.5)
    ground.synchronise()
    ground.send(b"".join(ground.frames(NO_OP, 2500)))
    ground.exchange(20, step_s=0.1)
    assert len(ground.events(COMPLETED)) == 2500
    assert ground.count("FramesAccepted") == 2500
