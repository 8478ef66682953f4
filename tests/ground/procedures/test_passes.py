"""What a run may do: what whoever started it may, as long as they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.people.accounts import OPERATOR, VIEWER
from kittiwake_ground.people.audit import AuditTrail
from kittiwake_ground.people.desk import Desk, Person

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "correct horse"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path / "users.json", AuditTrail(tmp_path / "audit.jsonl", lambda entry: None), local_only=True)
    assert made.accounts is not None
    made.accounts.add_user("otto", OPERATOR, PASSWORD)
    made.accounts.add_token("ci", "otto", OPERATOR)
    return made


@pytest.mark.parametrize("name, way", [("otto", "session"), ("otto/ci", "token")])
def test_a_run_has_the_role_of_its_starter_until_the_starter_loses_it(desk: Desk, name: str, way: str) -> None:
    token = desk.give_pass(Person(name, OPERATOR, way), f"{name}/check#1")
    assert desk.with_token(token) == Person(f"{name}/check#1", OPERATOR, "procedure")
    assert desk.accounts is not None
    if way == "session":
        desk.accounts.add_user("otto", VIEWER, PASSWORD)
        assert desk.with_token(token) == Person(f"{name}/check#1", VIEWER, "procedure")
    desk.accounts.remove_user("otto")
    assert desk.with_token(token) is None


def test_a_pass_counts_until_it_is_taken_back_and_where_nobody_has_a_password(tmp_path: Path, desk: Desk) -> None:
    open_desk = Desk(None, AuditTrail(tmp_path / "open.jsonl", lambda entry: None), local_only=True)
    token = open_desk.give_pass(Person("local", OPERATOR, "open"), "local/check#1")
    other = open_desk.give_pass(Person("local", OPERATOR, "open"), "local/check#2")
    assert open_desk.with_token(token) == Person("local/check#1", OPERATOR, "procedure")
    assert desk.with_token(token) is None
    open_desk.take_pass("local/check#1")
    assert open_desk.with_token(token) is None
    assert open_desk.with_token(other) is not None
