"""Accounts, rate limits and the audit trail."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kittiwake_ground.people.accounts import AccountFault, Accounts
from kittiwake_ground.people.audit import AuditTrail
from kittiwake_ground.people.desk import Desk
from kittiwake_ground.people.passwords import PasswordFault, hash_password, password_fits
from kittiwake_ground.people.rates import RateLimit

PASSWORD = "long enough"


def nobody(entry: Any) -> None:
    """Takes an entry of the audit trail."""


def test_only_the_right_password_fits_and_no_two_hashes_are_alike() -> None:
    one, two = hash_password(PASSWORD), hash_password(PASSWORD)
    assert one != two
    assert password_fits(PASSWORD, one)
    assert password_fits(PASSWORD, two)
    for wrong in ("", "long enough ", "Long enough", "x" * 1000):
        assert not password_fits(wrong, one)
    for broken in ("", "scrypt$1", "scrypt$x$8$1$00$00", one[:-2], one.replace("16384", "999999999")):
        assert not password_fits(PASSWORD, broken)


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_password_is_neither_short_nor_endless(password: str) -> None:
    with pytest.raises(PasswordFault, match="8 to 200"):
        hash_password(password)


def test_accounts_are_kept_without_their_secrets_and_for_the_owner_only(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "deep" / "users.json")
    accounts.add_user("ada", "operator", PASSWORD)
    token = accounts.add_token("tests", "ada", "viewer")
    content = accounts.path.read_text()
    assert PASSWORD not in content
    assert token not in content
    assert accounts.path.stat().st_mode & 0o777 == 0o600
    again = Accounts(accounts.path)
    found = again.with_password("ada", PASSWORD)
    assert found is not None
    assert found.role == "operator"
    assert again.with_password("ada", "wrong password") is None
    assert again.with_password("eve", PASSWORD) is None
    kept = again.with_token(token)
    assert kept is not None
    assert (kept.user, kept.role) == ("ada", "viewer")
    assert again.with_token(token + "x") is None
    again.remove_user("ada")
    accounts.refresh()
    assert (accounts.users, accounts.tokens) == ({}, {})


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "users.json")
    accounts.add_user("vera", "viewer", PASSWORD)
    accounts.add_token("one", "vera", "viewer")
    for act in (
        lambda: accounts.add_user("a b", "viewer", PASSWORD),
        lambda: accounts.add_user("ada", "admin", PASSWORD),
        lambda: accounts.add_token("two", "vera", "operator"),
        lambda: accounts.add_token("two", "ada", "viewer"),
        lambda: accounts.add_token("one", "vera", "viewer"),
        lambda: accounts.remove_user("ada"),
        lambda: accounts.remove_token("two"),
    ):
        with pytest.raises(AccountFault):
            act()
    assert list(Accounts(accounts.path).tokens) == ["one"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"users": [{}], "tokens": []}', '{"users": 3, "tokens": []}'])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(AccountFault, match=r"users\.json"):
        Accounts(path)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text('{"users": [], "tokens": []}')
    path.chmod(0o644)
    with pytest.raises(AccountFault, match="chmod 600"):
        Accounts(path)


def test_a_rate_is_for_each_who_asks_and_comes_back() -> None:
    now = 0.0
    limit = RateLimit(burst=2, rate=0.5, clock=lambda: now)
    assert [limit.wait_s("a") for _ in range(3)] == [0, 0, 2]
    assert limit.wait_s("b") == 0
    now = 1.0
    assert limit.wait_s("a") == 1
    now = 2.0
    assert limit.wait_s("a") == 0
    now = 1000.0
    assert [limit.wait_s("a") for _ in range(3)] == [0, 0, 2]


def test_nobody_is_let_in_when_the_last_user_goes_or_the_file_is_lost(tmp_path: Path) -> None:
    """A proxy in front asks from this machine for whoever it serves."""
    accounts = Accounts(tmp_path / "users.json")
    accounts.add_user("ada", "operator", PASSWORD)
    audit = AuditTrail(tmp_path / "audit.jsonl", nobody)
    far, near = Desk(accounts.path, audit, local_only=False), Desk(accounts.path, audit, local_only=True)
    assert far.anyone() is near.anyone() is None
    accounts.remove_user("ada")
    assert far.anyone() is near.anyone() is None
    accounts.path.unlink()
    assert far.anyone() is near.anyone() is None
    assert Desk(None, audit, local_only=True).anyone() is not None


def test_the_audit_trail_goes_on_behind_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"who": "ada", "act')
    told: list[Any] = []
    trail = AuditTrail(path, told.append)
    trail.open()
    trail.add("eve", "command", "ref", "X" * 5000, "10.0.0.1")
    trail.close()
    cut, whole = path.read_text().splitlines()
    assert cut == '{"who": "ada", "act'
    entry = json.loads(whole)
    assert (entry["who"], entry["action"], len(entry["detail"])) == ("eve", "command", 2000)
    assert told == [entry]
    assert os.stat(path).st_mode & 0o777 == 0o600
