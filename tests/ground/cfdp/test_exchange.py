"""Files from a device and to its inbox: durable before that is said, over loss, outages, kills and power cuts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.cfdp.pdu import (
    TO_SENDER,
    Ack,
    ChecksumType,
    Condition,
    Directive,
    Eof,
    FileData,
    FileStatus,
    Finished,
    Header,
    Metadata,
    Nak,
    encode,
)
from kittiwake.platform.simulated import PowerCut
from kittiwake.simulation.cfdp_end import MemorySink
from kittiwake_ground.server.transfer import TransferRefused
from tests.ground.cfdp.exchange_bench import FOLDER, Bench, content


def test_a_file_arrives_is_told_and_has_its_digest() -> None:
    bench = Bench()
    data = content(1, 5000)
    bench.device.put(1, 1, "unit-7/logs/a.bin", data, 0)
    bench.run(20.0)
    [file] = bench.files()
    assert (file.direction, file.way, file.remote, file.name) == ("down", "cfdp", "unit-7/logs/a.bin", "a.bin")
    assert (file.by, file.size, file.done_bytes, file.sha256) == ("deployment", 5000, 5000, "digest of 5000")
    assert bench.received() == {"a.bin": data}
    assert bench.device.ends == {1: Condition.NO_ERROR}
    assert bench.leftovers() == []
    assert [state for _, state in bench.told][-1] == "completed"


def test_a_file_goes_to_the_inbox_and_its_progress_is_told() -> None:
    bench = Bench()
    data = content(2, 90_000)
    file = bench.exchange.upload(data, "up/b.bin", "b.bin", "ada")
    assert (file.state, file.by, len(file.sha256)) == ("queued", "ada", 64)
    seen: list[int] = []
    while not file.is_final:
        seen.append(file.done_bytes)
        bench.run(0.1)
    assert file.state == "completed"
    assert len(set(seen)) > 10
    assert bench.device.files == {"up/b.bin": data}
    assert bench.leftovers() == []


@pytest.mark.parametrize("seed", range(6))
def test_files_cross_both_ways_over_a_link_that_loses_a_fifth_is_cut_and_a_ground_that_loses_its_power(
    seed: int,
) -> None:
    bench = Bench(seed, loss=0.2)
    down, up = content(3, 30_000), content(4, 20_000)
    bench.device.put(1, 7, "down", down, 0)
    bench.exchange.upload(up, "up", "up", "ada")
    for life in range(6):
        bench.run(0.3 + 0.17 * seed + 0.4 * life)
        bench.set_link(False)
        bench.run(30.0)
        if (life + seed) % 2:
            bench.crash()
        bench.set_link(True)
    bench.run(300.0)
    assert bench.received() == {"down": down}
    assert bench.device.files == {"up": up}
    assert bench.device.ends == {7: Condition.NO_ERROR}
    assert sorted(file.direction for file in bench.files()) == ["down", "up"]
    assert bench.leftovers() == []


def test_nothing_is_said_while_the_link_is_down_and_nothing_ages() -> None:
    bench = Bench()
    bench.set_link(False)
    file = bench.exchange.upload(b"x" * 1000, "a", "a", "ada")
    bench.run(100_000.0)
    assert bench.pdus == 0
    assert not file.is_final
    bench.set_link(True)
    bench.run(10.0)
    assert file.state == "completed"


@pytest.mark.parametrize("after", [False, True])
def test_a_file_that_the_device_may_forget_is_there_whenever_the_ground_loses_its_power(after: bool) -> None:
    """The device deletes its file once it is told; so none is told of that a power cut takes back."""
    data = content(5, 2000)

    def lived(cut: int) -> int:
        bench = Bench(cut)
        begun = bench.platform.files.operations
        bench.device.put(1, 1, "a", data, 0)
        if cut:
            bench.platform.files.cut_at(bench.platform.files.operations + cut, after=after)
        try:
            bench.run(30.0)
        except PowerCut:
            before = dict(bench.device.ends)
            if cut % 3:
                bench.crash()
            else:
                bench.restart()
            if before:
                assert bench.received() == {"a": data}
            bench.run(60.0)
        operations = bench.platform.files.operations - begun
        assert bench.device.ends == {1: Condition.NO_ERROR}
        assert bench.received() == {"a": data}
        assert [file.state for file in bench.files()] == ["completed"]
        assert bench.leftovers() == []
        return operations

    whole = lived(0)
    assert whole > 15
    for cut in range(1, whole + 1):
        lived(cut)


def test_an_upload_that_was_taken_arrives_whenever_the_ground_loses_its_power() -> None:
    data = content(6, 2000)
    operations = 0
    for cut in range(200):
        bench = Bench(cut)
        taken = False
        if cut:
            bench.platform.files.cut_at(bench.platform.files.operations + cut, after=bool(cut % 2))
        try:
            begun = bench.platform.files.operations
            bench.exchange.upload(data, "a", "a", "ada")
            taken = True
            bench.run(30.0)
            operations = bench.platform.files.operations - begun
            if cut:
                break
        except PowerCut:
            bench.crash()
            bench.run(60.0)
        assert not taken or bench.device.files == {"a": data}
        assert bench.leftovers() == []
    assert operations > 8


NUMBERS = st.integers(1, 3)
SPAN = st.integers(0, 3000)
PDUS = st.one_of(
    st.builds(Metadata, SPAN, st.just("s"), st.sampled_from(["a", "b", "", "../x"]), st.sampled_from(ChecksumType)),
    st.builds(FileData, SPAN, st.binary(max_size=300)),
    st.builds(Eof, st.sampled_from(Condition), st.integers(0, 0xFFFFFFFF), SPAN),
    st.builds(Ack, st.sampled_from([Directive.EOF, Directive.FINISHED]), st.sampled_from(Condition), st.just(1)),
    st.builds(Nak, st.just(0), SPAN, st.lists(st.tuples(SPAN, SPAN), max_size=4).map(tuple)),
    st.builds(Finished, st.sampled_from(Condition), st.booleans(), st.sampled_from(FileStatus)),
)


@given(st.lists(st.one_of(st.tuples(NUMBERS, st.booleans(), PDUS), st.binary(max_size=40), st.integers(0, 40))))
def test_whatever_comes_raises_nothing_and_leaves_no_third_state(said: list[Any]) -> None:
    """PDUs of three transactions each way in any order, damaged ones, pauses, restarts."""
    bench = Bench(received_files=2)
    for number in range(2):
        bench.exchange.upload(content(number, 900), f"u{number}", "u", "ada")
    for one in said:
        if isinstance(one, bytes):
            bench.exchange.receive(one, bench.link.now_ns)
        elif isinstance(one, int):
            bench.run(float(one))
            if one % 7 == 0:
                bench.restart()
        else:
            number, is_ours, pdu = one
            header = Header(1, bench.first_number + number - 1, 2, TO_SENDER) if is_ours else Header(2, number, 1, 0)
            bench.exchange.receive(encode(header, pdu), bench.link.now_ns)
            bench.digest()
    bench.link.loss = 1.0
    bench.run(3000.0)
    for file in bench.files():
        assert file.sha256
    assert bench.files("running") == []
    assert len(bench.received()) == sum(file.direction == "down" for file in bench.files())
    assert bench.leftovers() == []


def test_ended_files_are_known_after_a_restart_and_told_again() -> None:
    bench = Bench()
    bench.device.put(1, 1, "a", b"abc", 0)
    bench.run(20.0)
    bench.exchange.upload(b"xyz", "b", "b", "ada")
    bench.run(20.0)
    bench.told.clear()
    bench.restart()
    assert [state for _, state in bench.told] == ["completed", "completed"]
    [down] = [file for file in bench.files() if file.direction == "down"]
    assert down.path is not None
    assert (down.done_bytes, down.sha256) == (3, "digest of 3")
    assert bench.platform.files.read(str(down.path), 10) == b"abc"


def test_names_stay_inside_and_nothing_is_replaced() -> None:
    bench = Bench()
    names = ["../../etc/passwd", "..", "/", "a\0b", "same", "same", "x" * 200, "\x1b[31mred", ".hidden", "\u65e5" * 80]
    for number, name in enumerate(names, 1):
        bench.device.put(1, number, name, name.encode(), 0)
        bench.run(20.0)
        bench.device.files.clear()
    assert len(bench.files()) == len(names)
    listed = bench.platform.files.list(f"{FOLDER}/received")
    assert len(listed) == len(names)
    assert all(len(name.encode()) < 130 and name.isprintable() and "/" not in name for name in listed)
    assert not any("\x1b" in file.remote for file in bench.files())
    assert bench.platform.files.list("/ground/files/ref") == ["cfdp", "received"]


def test_too_large_a_file_is_refused_with_its_first_pieces() -> None:
    bench = Bench(received_file_bytes=1000)
    bench.device.put(1, 1, "a", bytes(400_000), 0)
    bench.run(20.0)
    [file] = bench.files("failed")
    assert "too large" in file.reason
    assert bench.device.ends == {1: Condition.FILESTORE_REJECTED}
    assert bench.pdus < 130  # of a thousand: what was on its way meanwhile
    assert bench.received() == {}
    assert bench.leftovers() == []


@pytest.mark.parametrize("settings", [{"received_files": 2}, {"received_bytes": 2500}])
def test_a_full_folder_takes_no_more_and_loses_nothing(settings: dict[str, int]) -> None:
    bench = Bench(**settings)
    for number, size in ((1, 1000), (2, 1000), (3, 1000), (4, 0)):
        bench.device.put(1, number, f"f{number}", bytes(size), bench.link.now_ns)
        bench.run(20.0)
    expected = {"f1", "f2"} if "received_files" in settings else {"f1", "f2", "f4"}
    assert set(bench.received()) == expected
    assert bench.device.ends[3] is Condition.FILESTORE_REJECTED


def test_files_that_come_at_once_do_not_fill_the_folder_over_its_quota() -> None:
    bench = Bench(received_bytes=2500)
    for number in range(1, 5):
        bench.device.put(1, number, f"f{number}", bytes(1000), 0)
    bench.run(60.0)
    assert sum(len(data) for data in bench.received().values()) == 2000
    assert sorted(bench.device.ends.values()).count(Condition.FILESTORE_REJECTED) == 2


def test_only_the_device_of_the_settings_sends() -> None:
    bench = Bench(device=9)
    bench.device.put(1, 1, "a", b"abc", 0)
    bench.run(20.0)
    assert bench.received() == {}
    assert bench.told == []


def test_a_device_that_never_answers_is_asked_again_and_then_given_up() -> None:
    bench = Bench(loss=1.0)
    file = bench.exchange.upload(b"abc", "a", "a", "ada")
    bench.run(1.0)
    first = file.number
    bench.run(25.0)
    assert (file.state, file.attempts) == ("queued", 1)
    assert "tried again" in file.reason
    bench.run(10.0)
    assert file.number not in (0, first)
    bench.run(1000.0)
    assert file.state == "failed"
    assert "nobody answers" in file.reason
    assert bench.leftovers() == []


def test_what_the_device_refuses_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()

    def refuse(*_: object) -> None:
        raise OSError("leads out of the inbox")

    monkeypatch.setattr(MemorySink, "finish", refuse)
    file = bench.exchange.upload(b"abc", "../a", "a", "ada")
    bench.run(10.0)
    assert (file.state, file.attempts) == ("failed", 1)
    assert "refuses the file" in file.reason


def test_files_are_given_up_both_ways() -> None:
    bench = Bench()
    bench.device.put(1, 1, "a", bytes(40_000), 0)
    upload = bench.exchange.upload(bytes(40_000), "b", "b", "ada")
    queued = [bench.exchange.upload(b"c", f"c{number}", "c", "ada") for number in range(9)]
    bench.run(0.3)
    [arriving] = [file for file in bench.files("running") if file.direction == "down"]
    assert queued[-1].state == "queued"
    for file in (upload, queued[-1], arriving):
        bench.exchange.cancel(file, bench.link.now_ns)
    bench.run(60.0)
    assert {upload.state, queued[-1].state, arriving.state} == {"cancelled"}
    assert bench.device.ends == {1: Condition.CANCELLED}
    assert set(bench.device.files) == {f"c{number}" for number in range(8)}
    assert bench.received() == {}
    assert bench.leftovers() == []


def test_no_more_is_taken_than_can_wait() -> None:
    bench = Bench()
    for number in range(50):
        bench.exchange.upload(b"a", f"a{number}", "a", "ada")
    with pytest.raises(TransferRefused, match="50 files wait"):
        bench.exchange.upload(b"a", "one more", "a", "ada")


def test_a_disk_that_refuses_takes_no_upload_and_says_why() -> None:
    bench = Bench()
    bench.platform.files.fail_every("sync", 28)
    with pytest.raises(TransferRefused, match="No space left"):
        bench.exchange.upload(b"a", "a", "a", "ada")
    bench.platform.files.heal()
    bench.restart()
    assert bench.told == []
    assert bench.leftovers() == []


def test_a_ground_whose_journal_is_gone_does_not_use_old_numbers() -> None:
    """The device remembers old transactions: it would take a new file of an old number for one that it has."""
    numbers = set()
    for seed in range(5):
        bench = Bench(seed)
        file = bench.exchange.upload(b"a", "a", "a", "ada")
        bench.run(0.1)
        numbers.add(file.number)
    assert len(numbers) == 5
