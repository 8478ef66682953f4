"""TransferService with stores that are folders: commands, order, quotas, retries, checks."""

from __future__ import annotations

import errno
from hashlib import sha256

import pytest

from kittiwake.model import CommandResponse
from kittiwake.testing.design_sheet import differences
from kittiwake_components.transfer_service.component import MAX_JOBS, TransferService
from kittiwake_components.transfer_service.stores import check_stores, parse_store
from tests.components.transfer_service.transfer_bench import (
    BUCKET,
    PARAMETERS,
    content,
    exists,
    in_bucket,
    mount,
    new_tester,
    put_into_bucket,
)


def test_a_file_is_put_with_a_manifest() -> None:
    """REQ-TS-001, REQ-TS-006."""
    with new_tester() as tester:
        data = content(1, 5000)
        tester.write_file("/logs/a.txt", data)
        assert tester.send("PUT", "logs", "/logs/a.txt", "a.txt", False).response is CommandResponse.OK
        assert in_bucket(tester, "unit-7/logs/a.txt") == data
        manifest = in_bucket(tester, "unit-7/logs/a.txt.sha256").decode()
        assert manifest == f"{sha256(data).hexdigest()}  a.txt\n"
        assert [event.name for event in tester.events] == ["TransferStarted", "TransferDone"]
        assert exists(tester, "/logs/a.txt")
        tester.call.run(0)
        assert tester.channels["BytesSent"] == 5000
        assert tester.channels["QueueDepth"] == 0


def test_a_file_is_removed_only_where_that_was_asked_for_and_after_it_was_stored() -> None:
    """REQ-TS-007."""
    with new_tester(with_bucket=False) as tester:
        tester.write_file("/logs/a.txt", b"abc")
        tester.send("PUT", "logs", "/logs/a.txt", "a.txt", True)
        tester.advance(10)
        assert exists(tester, "/logs/a.txt")
        mount(tester)
        tester.advance(100)
        assert in_bucket(tester, "unit-7/logs/a.txt") == b"abc"
        assert not exists(tester, "/logs/a.txt")


def test_a_file_that_grew_on_the_way_stays() -> None:
    """REQ-TS-007: what was written after the copy was made is not lost with the file."""
    with new_tester() as tester:
        tester.write_file("/logs/a.txt", b"abc")
        original = tester.component._carrier._deliver

        def deliver(job: object) -> None:
            tester.write_file("/logs/a.txt", b"abcdef")
            original(job)  # type: ignore[arg-type]

        tester.component._carrier._deliver = deliver  # type: ignore[method-assign]
        tester.send("PUT", "logs", "/logs/a.txt", "a.txt", True)
        assert tester.read_file("/logs/a.txt") == b"abcdef"
        assert tester.events.named("SourceKept")


def test_a_file_is_fetched_and_checked() -> None:
    """REQ-TS-002, REQ-TS-006."""
    with new_tester() as tester:
        data = content(2, 3000)
        put_into_bucket(tester, "unit-7/config/c.json", data)
        put_into_bucket(tester, "unit-7/config/c.json.sha256", f"{sha256(data).hexdigest()}  c.json\n".encode())
        assert tester.send("GET", "config", "c.json", "/config/c.json").response is CommandResponse.OK
        assert tester.read_file("/config/c.json") == data
        tester.call.run(0)
        assert tester.channels["BytesReceived"] == 3000


def test_a_file_that_is_not_what_its_manifest_says_is_put_aside() -> None:
    """REQ-TS-006: the file that stood here before stays."""
    with new_tester(parameters={**PARAMETERS, "max_retry": 1}) as tester:
        tester.write_file("/config/c.json", b"old")
        put_into_bucket(tester, "unit-7/config/c.json", b"damaged")
        put_into_bucket(tester, "unit-7/config/c.json.sha256", f"{sha256(b'sound').hexdigest()}  c.json\n".encode())
        tester.send("GET", "config", "c.json", "/config/c.json")
        assert tester.read_file("/config/c.json") == b"old"
        assert tester.read_file("/config/c.json.part.bad.0") == b"damaged"
        assert tester.events.named("ChecksumMismatch")
        assert tester.events.named("QuarantineFile")
        put_into_bucket(tester, "unit-7/config/c.json", b"sound")
        tester.advance(10)
        assert tester.read_file("/config/c.json") == b"sound"


def test_a_store_that_is_away_is_tried_again_with_pauses_that_grow_and_vary() -> None:
    """REQ-TS-008."""
    with new_tester(with_bucket=False) as tester:
        tester.write_file("/logs/a.txt", b"abc")
        tester.send("PUT", "logs", "/logs/a.txt", "a.txt", False)
        tester.advance(3600)
        pauses = [event.args[4] for event in tester.events.named("TransferFailed")]
        assert pauses[0] <= 2
        assert max(pauses) <= 60
        assert max(pauses) > 25
        assert 60 <= len(pauses) <= 130
        assert len(set(pauses[8:])) > 3
        tester.call.run(0)
        assert tester.channels["Retries"] == len(pauses)
        assert tester.channels["OldestPendingAge"] == 3600


def test_a_transfer_that_fails_too_often_waits_for_the_operator() -> None:
    """REQ-TS-008, REQ-TS-004."""
    with new_tester(with_bucket=False, parameters={**PARAMETERS, "max_retry": 2}) as tester:
        tester.write_file("/logs/a.txt", b"abc")
        tester.send("PUT", "logs", "/logs/a.txt", "a.txt", False)
        tester.advance(1000)
        assert len(tester.events.named("TransferFailed")) == 3
        tester.call.run(0)
        assert tester.channels["FailedTransfers"] == 1
        mount(tester)
        tester.reboot()
        tester.advance(1000)
        assert not tester.events.named("TransferDone")
        assert tester.send("RETRY", 1).response is CommandResponse.OK
        assert in_bucket(tester, "unit-7/logs/a.txt") == b"abc"


def test_a_file_that_is_not_there_fails_at_once() -> None:
    """REQ-TS-008."""
    with new_tester() as tester:
        tester.send("PUT", "logs", "/logs/none", "none", False)
        tester.send("GET", "config", "none", "/config/none")
        tester.advance(1000)
        assert [event.args[4] for event in tester.events.named("TransferFailed")] == [0, 0]


def test_what_asks_for_nonsense_is_refused_with_one_answer() -> None:
    """REQ-TS-003, REQ-TS-005."""
    with new_tester() as tester:
        refused = CommandResponse.VALIDATION_ERROR
        assert tester.send("PUT", "nowhere", "/a", "a", False).response is refused
        assert tester.events.named("StoreUnknown")
        assert tester.send("PUT", "logs", "/../a", "a", False).response is refused
        assert tester.send("PUT", "logs", "/a", "../../../a", False).response is refused
        assert tester.send("PUT", "logs", "/a", "", False).response is refused
        assert tester.send("GET", "ground", "a", "/a").response is refused
        assert tester.send("SYNC_STORE", "nowhere").response is refused
        assert tester.send("CANCEL", 1).response is refused
        assert tester.send("RETRY", 1).response is refused
        tester.call.run(0)
        assert tester.channels["QueueDepth"] == 0


def test_only_so_many_transfers_wait_and_none_twice() -> None:
    """REQ-TS-003."""
    with new_tester(with_bucket=False) as tester:
        for number in range(MAX_JOBS):
            assert tester.send("PUT", "logs", f"/{number}", "a", False).response is CommandResponse.OK
        assert tester.send("PUT", "logs", "/0", "a", False).response is CommandResponse.BUSY
        assert tester.send("PUT", "logs", "/more", "a", False).response is CommandResponse.BUSY


def test_the_important_store_goes_first() -> None:
    """REQ-TS-009."""
    with new_tester() as tester:
        put_into_bucket(tester, "unit-7/config/c", b"c")
        tester.write_file("/logs/a", content(1, 2000))
        tester.write_file("/logs/b", b"b")
        with tester.held():
            tester.send("PUT", "logs", "/logs/a", "a", False)
            tester.send("PUT", "logs", "/logs/b", "b", False)
            tester.send("GET", "config", "c", "/config/c")
        order = [event.args[2] for event in tester.events.named("TransferDone")]
        assert order == ["/config/c", "/logs/a", "/logs/b"]


def test_a_store_takes_no_more_than_its_quota() -> None:
    """REQ-TS-010."""
    with new_tester() as tester:
        tester.write_file("/status/a", bytes(2500))
        tester.write_file("/status/b", bytes(600))
        tester.send("PUT", "small", "/status/a", "a", False)
        tester.send("PUT", "small", "/status/b", "b", False)
        (failure,) = tester.events.named("TransferFailed")
        assert "quota" in failure.args[3]
        tester.files.remove(f"{BUCKET}/small/a")
        tester.advance(100)
        assert in_bucket(tester, "small/b") == bytes(600)


def test_a_cancelled_transfer_is_forgotten_over_restarts() -> None:
    """REQ-TS-004."""
    with new_tester(with_bucket=False) as tester:
        tester.write_file("/logs/a", b"a")
        tester.send("PUT", "logs", "/logs/a", "a", True)
        tester.send("LIST")
        assert [event.args[:3] for event in tester.events.named("TransferListed")] == [(1, "logs", "/logs/a")]
        assert tester.send("CANCEL", 1).response is CommandResponse.OK
        mount(tester)
        tester.reboot()
        tester.advance(100)
        assert exists(tester, "/logs/a")
        assert not exists(tester, f"{BUCKET}/unit-7/logs/a")


def test_a_store_of_logs_is_emptied_into_and_one_of_configuration_comes() -> None:
    """REQ-TS-011."""
    with new_tester() as tester:
        for name in ("a", "deep/b"):
            tester.write_file(f"/logs/{name}", name.encode())
        put_into_bucket(tester, "unit-7/config/x.json", b"{}")
        assert tester.send("SYNC_STORE", "logs").response is CommandResponse.OK
        assert tester.send("SYNC_STORE", "config").response is CommandResponse.OK
        assert in_bucket(tester, "unit-7/logs/deep/b") == b"deep/b"
        assert not exists(tester, "/logs/a")
        assert tester.read_file("/config/x.json") == b"{}"
        assert [event.args for event in tester.events.named("StoreSynced")] == [("logs", 2, 0), ("config", 1, 0)]
        tester.clear_history()
        tester.send("SYNC_STORE", "logs")
        assert [event.args for event in tester.events.named("StoreSynced")] == [("logs", 0, 0)]


def test_components_ask_by_ports_and_hear_how_it_ended() -> None:
    """REQ-TS-012: after a restart too."""
    with new_tester(with_bucket=False) as tester:
        tester.write_file("/logs/a", b"a")
        tester.call.put("nowhere", "/logs/a", "a", False, 5)
        tester.call.put("logs", "/logs/a", "a", False, 7)
        tester.call.get("config", "none", "/config/none", 0)
        assert tester.ports.transfer_ended == [(5, CommandResponse.VALIDATION_ERROR)]
        mount(tester)
        tester.reboot()
        assert tester.ports.transfer_ended == [(7, CommandResponse.OK)]
        with tester.held():
            for _ in range(51):
                tester.call.put("logs", "/logs/none", "none", False, 9)
        assert (9, CommandResponse.BUSY) in tester.ports.transfer_ended


def test_a_journal_that_cannot_be_written_refuses_and_recovers() -> None:
    """REQ-TS-013."""
    with new_tester() as tester:
        tester.write_file("/logs/a", b"a")
        tester.files.fail_every("write_at", errno.ENOSPC)
        assert tester.send("PUT", "logs", "/logs/a", "a", False).response is CommandResponse.EXECUTION_ERROR
        assert tester.events.named("JournalFailed")
        tester.files.heal()
        assert tester.send("PUT", "logs", "/logs/a", "a", False).response is CommandResponse.OK
        assert in_bucket(tester, "unit-7/logs/a") == b"a"


def test_a_damaged_journal_is_reported_and_kept() -> None:
    """REQ-TS-013."""
    with new_tester(with_bucket=False) as tester:
        tester.write_file("/logs/a", b"a")
        tester.send("PUT", "logs", "/logs/a", "a", False)
        data = bytearray(tester.read_file("/transfers/journal"))
        data[0] ^= 1
        tester.stop()
        tester.write_file("/transfers/journal", bytes(data))
        tester.restart()
        assert tester.events.named("JournalFinding")
        assert exists(tester, "/transfers/journal.bad.0")
        assert tester.send("PUT", "logs", "/logs/a", "a", False).response is CommandResponse.OK


@pytest.mark.parametrize(
    "text, why",
    [
        ("nonsense", "key=value"), ("kind=logs", "store_name"), ("store_name=a kind=x", "kind is one of"),
        ("store_name=a kind=logs", "bucket_name"), ("store_name=a kind=logs bucket_name=x", "absolute"),
        ("store_name=a kind=logs bucket_name=/x entity=1", "bucket_name"),
        ("store_name=a kind=logs entity=-1", "entity is 0"),
        ("store_name=a kind=logs entity=1 priority=900", "priority"),
        ("store_name=a kind=logs entity=1 quota_bytes=5", "for folders only"),
        ("store_name=a kind=logs entity=1 colour=red", "colour is not known"),
    ],
)  # fmt: skip
def test_stores_that_make_no_sense_are_refused_when_the_topology_is_checked(text: str, why: str) -> None:
    """REQ-TS-005."""
    with pytest.raises(ValueError, match=why):
        check_stores([text])


def test_stores_have_names_of_their_own() -> None:
    """REQ-TS-005."""
    text = "store_name=a kind=logs entity=1"
    with pytest.raises(ValueError, match="two stores"):
        check_stores([text, text])
    with pytest.raises(ValueError, match="at most"):
        check_stores([text] * 17)
    assert parse_store(text).folder == "/transfer/a"


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(TransferService) == []
