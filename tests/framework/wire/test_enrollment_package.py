"""The format of enrolment packages, and the command that makes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.cli.main import main
from kittiwake.wire.ed25519 import public_key, sign
from kittiwake.wire.enrollment_package import (
    MAX_TEXT,
    EnrollmentFault,
    Enrolment,
    encode_package,
    parse_enrolment,
    read_package,
    signed_package,
)
from kittiwake.wire.update_package import parse_update_keys

if TYPE_CHECKING:
    from pathlib import Path

SEED = bytes(32)
KEYS = {1: public_key(SEED)}
PLAIN: dict[str, Any] = {"machine_id": "a", "sequence": 1, "token": "t", "config": {}}


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", fullmatch=True), st.integers(0, 0xFFFFFFFF),
    st.from_regex(r"[!-~]{0,40}", fullmatch=True), st.dictionaries(st.text(max_size=4), st.integers(), max_size=4),
)  # fmt: skip
def test_an_enrolment_comes_back_as_it_was_written(machine: str, sequence: int, token: str, config: Any) -> None:
    enrolment = Enrolment(machine, sequence, token, config)
    assert parse_enrolment(enrolment.encode()) == enrolment
    assert token == "" or token in machine or f"{token!r}" not in repr(enrolment)


def test_a_package_is_read_by_whoever_knows_the_key() -> None:
    enrolment = Enrolment("a", 1, "t", {"x": [1, 2]})
    packed = signed_package(enrolment, 1, lambda text: sign(SEED, text))
    assert read_package(packed, KEYS) == enrolment
    for changed in (packed[:-1], packed + b"x", b"x" + packed[1:], packed[:30] + b"!" + packed[31:]):
        with pytest.raises(EnrollmentFault):
            read_package(changed, KEYS)
    with pytest.raises(EnrollmentFault, match="not known here"):
        read_package(packed, {})


@pytest.mark.parametrize(
    "change",
    [
        {"machine_id": ""}, {"machine_id": "a b"}, {"machine_id": 1}, {"machine_id": "é"}, {"sequence": -1},
        {"sequence": True}, {"sequence": 1.0}, {"sequence": 1 << 32}, {"token": 1}, {"token": "x" * 257},
        {"token": "\n"}, {"config": []}, {"other": 1},
    ],
)  # fmt: skip
def test_members_that_make_no_sense_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EnrollmentFault):
        parse_enrolment(json.dumps({**PLAIN, **change}).encode())


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(EnrollmentFault):
        parse_enrolment(data)
    with pytest.raises(EnrollmentFault):
        read_package(encode_package(data, 1, bytes(64)), KEYS)


def test_what_nobody_would_read_is_not_written() -> None:
    for config in ({"x": "y" * MAX_TEXT}, {"x": float("nan")}, {"x": object()}):
        with pytest.raises(EnrollmentFault):
            Enrolment("a", 1, "", config).encode()


def test_the_command_makes_a_package_that_a_device_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret, source, made = tmp_path / "secret", tmp_path / "config.json", tmp_path / "enrollment.kwe"
    source.write_text('{"report_every_s": 600}')
    assert main(["update", "key", "-o", str(secret)]) == 0
    sign_it = ["enroll", str(source), "--machine", "station-7", "--sequence", "3", "--key", str(secret)]
    assert main([*sign_it, "--token", "t", "-o", str(made)]) == 0
    keys = parse_update_keys((tmp_path / "secret.pub").read_bytes(), "keys")
    assert read_package(made.read_bytes(), keys) == Enrolment("station-7", 3, "t", {"report_every_s": 600})
    source.write_text("[1]")
    assert main([*sign_it, "-o", str(made)]) == 1
    source.write_text("{")
    assert main([*sign_it, "-o", str(made)]) == 1
    assert "this is no JSON" in capsys.readouterr().err
