"""The ground's side of signed uplink: keys, numbers on disk, and reports."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kittiwake.dictionary.decode import DecodedChannel, DecodedEvent
from kittiwake.platform.system_files import SystemFiles
from kittiwake.wire.security_association import HmacAssociation
from kittiwake_ground.uplink_signing import (
    AcceptanceWatch,
    SignedUplink,
    SigningFault,
    choose_key,
    number_folder,
)

LINK = "tcp://127.0.0.1:50000"
ASSOCIATION = HmacAssociation(1, bytes(16))
CREATED = "2026-01-02T03:04:05Z"


def key_file(folder: Path, *lines: str) -> Path:
    path = folder / "uplink.keys"
    path.write_text("".join([f"{line} {CREATED} {'ab' * 16}\n" for line in lines]))
    path.chmod(0o600)
    return path


def number(frame: bytes) -> int:
    return ASSOCIATION.sequence_of(frame)


def test_the_only_active_key_signs_or_the_one_that_is_named(tmp_path: Path) -> None:
    keys = key_file(tmp_path, "1 active", "2 retired")
    assert choose_key(keys, None).id == 1
    keys = key_file(tmp_path, "1 active", "2 retired", "3 active")
    assert choose_key(keys, 3).id == 3
    with pytest.raises(SigningFault, match=r"several keys are active, name one by its SPI: 1, 3"):
        choose_key(keys, None)
    with pytest.raises(SigningFault, match="there is no active key 2"):
        choose_key(keys, 2)
    with pytest.raises(SigningFault, match=r"there is no active key$"):
        choose_key(key_file(tmp_path, "2 retired"), None)


def test_numbers_go_on_after_an_end_and_skip_the_reserve_after_a_crash(tmp_path: Path) -> None:
    with SignedUplink(ASSOCIATION, tmp_path, LINK) as uplink:
        assert [number(uplink.signer.seal(b"x")) for _ in range(3)] == [1, 2, 3]
    crashed = SignedUplink(ASSOCIATION, tmp_path, LINK)
    assert number(crashed.signer.seal(b"x")) == 4
    crashed._keep = lambda number: None  # type: ignore[method-assign]
    crashed.signer._reserve = crashed._keep
    crashed.close()
    with SignedUplink(ASSOCIATION, tmp_path, LINK) as uplink:
        assert number(uplink.signer.seal(b"x")) == 1004


def test_links_and_keys_have_numbers_of_their_own(tmp_path: Path) -> None:
    with SignedUplink(ASSOCIATION, tmp_path, LINK) as one:
        for _ in range(5):
            one.signer.seal(b"x")
        with SignedUplink(ASSOCIATION, tmp_path, "udp://10.0.0.1:5?listen=6") as other:
            assert number(other.signer.seal(b"x")) == 1
        with SignedUplink(HmacAssociation(2, bytes(16)), tmp_path, LINK) as other:
            assert number(other.signer.seal(b"x")) == 1


def test_only_one_program_signs_with_a_key_over_a_link(tmp_path: Path) -> None:
    with SignedUplink(ASSOCIATION, tmp_path, LINK) as uplink:
        with pytest.raises(SigningFault, match="another program signs with key 1"):
            SignedUplink(ASSOCIATION, tmp_path, LINK)
        uplink.close()
        SignedUplink(ASSOCIATION, tmp_path, LINK).close()


def test_nothing_is_signed_under_a_number_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Any:
        raise OSError(28, "No space left on device")

    with SignedUplink(ASSOCIATION, tmp_path, LINK) as uplink:
        with monkeypatch.context() as patch:
            patch.setattr(SystemFiles, "open", full)
            with pytest.raises(SigningFault, match="could not be saved: No space left"):
                uplink.signer.seal(b"x")
        assert number(uplink.signer.seal(b"x")) == 1


def test_the_numbers_stand_beside_the_key_file() -> None:
    assert number_folder(Path("/a/uplink.keys")) == Path("/a/uplink.keys.numbers")


def told(found: AcceptanceWatch, name: str, value: object) -> int | None:
    """What a channel's value tells."""
    channel = SimpleNamespace(name=name)
    return found.number_in(DecodedChannel(channel, 0, value, {}))  # type: ignore[arg-type]


def watch(*names: str, events: tuple[str, ...] = (), instance: str = "") -> AcceptanceWatch:
    """One for key 1 and as much of a dictionary as is looked at."""
    dictionary = SimpleNamespace(channels=dict.fromkeys(names), events=dict.fromkeys(events))
    return AcceptanceWatch(dictionary, 1, instance)  # type: ignore[arg-type]


def test_a_report_tells_the_number_of_the_key_that_signs() -> None:
    found = watch("A.b.AcceptanceReport", "A.b.CurrentSequenceNumber")
    assert found.expects_report
    assert told(found, "A.b.AcceptanceReport", ((0, 1, 5), (1, 1, 7), (0, 0, 0))) == 7
    assert told(found, "A.b.AcceptanceReport", ((0, 1, 5), (1, 2, 0))) is None
    assert told(found, "A.b.CurrentSequenceNumber", 9) is None


def test_an_event_tells_it_where_telemetry_is_slow() -> None:
    found = watch(events=("A.b.SequenceNumberReport", "A.b.SequenceNumberGet"))
    assert found.expects_report
    for name, args, number in (("Report", (1, 7), 7), ("Report", (0, 7), None), ("Get", (7,), None)):
        event = SimpleNamespace(name=f"A.b.SequenceNumber{name}")
        assert found.number_in(DecodedEvent(event, 0, args)) == number  # type: ignore[arg-type]


def test_a_deployment_of_proves_tells_its_one_number() -> None:
    assert told(watch("A.b.CurrentSequenceNumber"), "A.b.CurrentSequenceNumber", 9) == 9
    assert not watch("A.b.Other").expects_report


def test_the_authenticator_of_the_link_is_named_if_there_are_several() -> None:
    names = ("uart.a.AcceptanceReport", "lora.a.AcceptanceReport")
    with pytest.raises(SigningFault, match=r"several authenticators, name this link's: uart\.a, lora\.a"):
        watch(*names)
    found = watch(*names, instance="lora.a")
    assert told(found, "lora.a.AcceptanceReport", ((1, 1, 3),)) == 3
    assert told(found, "uart.a.AcceptanceReport", ((1, 1, 4),)) is None
