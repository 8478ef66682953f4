"""ParameterDb: what is saved comes back, what does not fit stays out, and a file is committed whole or not at all."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from kittiwake.dictionary.values import value_of
from kittiwake.model import U32, CommandError, CommandResponse, Parameter, PassiveComponent
from kittiwake.platform.simulated_files import SimulatedFiles
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.parameter_db.component import ParameterDb
from kittiwake_components.parameter_db.constants import Merge, PrmReadError, PrmSource, PrmWriteError
from kittiwake_components.parameter_db.database_file import pack_database, parse_database
from tests.components.parameter_db.deployed import FILE, NUMBERS, Database, Mode, Window, packed, saved
from tests.framework.runtime.wired import deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

Tester = ComponentTester[Database]
OK = CommandResponse.OK
FAILED = CommandResponse.EXECUTION_ERROR
INVALID = CommandResponse.VALIDATION_ERROR


@pytest.fixture
def tester() -> Iterator[Tester]:
    with ComponentTester(Database) as made:
        yield made


def with_file(values: dict[int, bytes] | bytes, name: str = FILE) -> Tester:
    """A tester whose last boot found a parameter file."""
    tester = ComponentTester(Database)
    tester.write_file(name, values if isinstance(values, bytes) else pack_database(values))
    tester.reboot()
    return tester


def save(tester: Tester, name: str, value: object) -> None:
    tester.call.set_prm(NUMBERS[name], packed(name, value))


def load(tester: Tester, values: dict[int, bytes] | bytes, merge: Merge = Merge.MERGE) -> CommandResponse | None:
    """Uploads and stages a file."""
    tester.write_file("/up.dat", values if isinstance(values, bytes) else pack_database(values))
    return tester.send("PRM_LOAD_FILE", "/up.dat", merge).response


def commit(tester: Tester) -> CommandResponse | None:
    return tester.send("PRM_COMMIT_STAGED").response


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(ParameterDb) == []


def test_a_saved_value_is_updated_or_added_in_memory_alone(tester: Tester) -> None:
    """REQ-PDB-001, REQ-PDB-002."""
    save(tester, "gain", 8)
    save(tester, "gain", 9)
    assert tester.events.names()[-2:] == ["PrmIdAdded", "PrmIdUpdated"]
    assert tester.events[-1].args == (NUMBERS["gain"],)
    assert saved(tester, "gain") == 9
    assert tester.component.gain == 3
    assert tester.channels.latest() == {"Records": 1, "Unsaved": True}
    assert not tester.files.exists(tester.root.resolve(FILE))


def test_what_was_saved_to_the_file_is_there_after_a_reboot(tester: Tester) -> None:
    """REQ-PDB-002."""
    save(tester, "gain", 9)
    save(tester, "title", "hello")
    assert tester.send("PRM_SAVE_FILE").response is OK
    assert tester.events[-1].args == (2,)
    assert tester.channels["Unsaved"] is False
    save(tester, "gain", 10)
    assert tester.channels["Unsaved"] is True
    tester.reboot()
    assert (saved(tester, "gain"), saved(tester, "title"), saved(tester, "offset")) == (9, "hello", None)
    assert tester.events.named("PrmFileLoadComplete")[0].args == ("ACTIVE", 2, 2, 0)
    assert tester.channels["Records"] == 2


def test_a_first_boot_without_a_file_uses_the_defaults_and_is_no_fault(tester: Tester) -> None:
    """REQ-PDB-003."""
    assert [(event.name, event.args) for event in tester.events] == [("DefaultUsed", (len(NUMBERS),))]


def test_a_value_that_does_not_fit_is_not_saved(tester: Tester) -> None:
    """REQ-PDB-004."""
    for id, data, event in (
        (0x999, b"\0\0\0\1", "PrmIdNotFound"),
        (NUMBERS["gain"], b"\0\0\0\xff", "RecordSkipped"),
        (NUMBERS["gain"], b"\0\0", "RecordSkipped"),
        (NUMBERS["gain"], bytes(5), "RecordSkipped"),
        (NUMBERS["mode"], b"\0\0\0\1", "RecordSkipped"),
    ):
        with pytest.raises(CommandError) as caught:
            tester.component.set_prm(id, data)
        assert caught.value.response is INVALID
        assert tester.events[-1].name == event
    assert tester.channels["Records"] == 0


def test_records_that_do_not_fit_are_skipped_one_by_one() -> None:
    """REQ-PDB-005. Upstream: one bad record spoiled the others (nasa/fprime #4818)."""
    tester = with_file(
        {
            0x999: b"\0",
            NUMBERS["gain"]: packed("offset", 9),
            NUMBERS["offset"]: packed("offset", 200),
            NUMBERS["title"]: b"\0\3a\xff\xff",
            NUMBERS["mode"]: packed("mode", Mode.ON),
        }
    )
    assert [event.args[0] for event in tester.events.named("RecordSkipped")] == [
        NUMBERS["gain"], NUMBERS["title"], 0x999,
    ]  # fmt: skip
    assert (saved(tester, "offset"), saved(tester, "mode"), saved(tester, "gain")) == (200, Mode.ON, None)
    assert "Database" not in tester.events.named("RecordSkipped")[0].args[1]
    assert "tested.GAIN" in tester.events.named("RecordSkipped")[0].args[1]
    tester.finish()


def test_a_record_out_of_range_is_skipped() -> None:
    """REQ-PDB-005."""
    tester = with_file({NUMBERS["gain"]: (101).to_bytes(4, "big")})
    assert "101 is outside 0 to 100" in tester.events.named("RecordSkipped")[0].args[1]
    assert saved(tester, "gain") is None
    tester.finish()


def test_a_record_that_its_component_cannot_take_is_dropped_and_reported(tester: Tester) -> None:
    """REQ-PDB-005."""
    save(tester, "gain", 9)
    tester.component.record_unusable(NUMBERS["gain"], "tested.GAIN: no")
    assert tester.events[-1].args == (NUMBERS["gain"], "tested.GAIN: no")
    assert saved(tester, "gain") is None
    assert tester.channels["Records"] == 0


def test_a_bad_checksum_falls_back_to_the_previous_copy(tester: Tester) -> None:
    """REQ-PDB-006. Upstream: a corrupt file was used, or all of it lost (nasa/fprime #4586, #5040)."""
    for gain in (1, 2):
        save(tester, "gain", gain)
        tester.send("PRM_SAVE_FILE")
    data = bytearray(tester.read_file(FILE))
    data[-1] ^= 1
    tester.write_file(FILE, bytes(data))
    tester.reboot()
    assert saved(tester, "gain") == 1
    assert tester.events.names() == [
        "PrmFileBadCrc", "PrmFileFinding", "PrmFileFinding", "PrmFileLoadComplete", "DefaultUsed",
    ]  # fmt: skip
    read, computed = tester.events[0].args
    assert read != computed
    assert tester.events[1].args[0].endswith("(kept as PrmDb.dat.bad.0)")
    assert "previous copy is used" in tester.events[2].args[0]
    assert tester.read_file(FILE + ".bad.0") == bytes(data)
    assert tester.channels["FileErrors"] == 1
    assert tester.send("PRM_SAVE_FILE").response is OK
    tester.reboot()
    assert saved(tester, "gain") == 1


def test_without_a_previous_copy_a_bad_file_is_kept_aside_and_the_defaults_are_used() -> None:
    """REQ-PDB-006."""
    tester = with_file(b"no file of parameters")
    assert tester.events.names() == ["PrmFileBadCrc", "PrmFileFinding", "DefaultUsed"]
    assert tester.read_file(FILE + ".bad.0") == b"no file of parameters"
    tester.finish()


def test_a_file_that_its_checksum_cannot_vouch_for_names_where_it_is_wrong() -> None:
    """REQ-PDB-006."""
    body = b"\xa6" + bytes(12)
    whole = pack_database({0x100: body})
    tester = with_file(with_checksum(b"\xa6" + bytes(12)))
    assert tester.events[0].args == (PrmReadError.DELIMITER_VALUE, 0, 0xA6)
    tester.finish()
    assert parse_database(whole) == [(0x100, body)]


def with_checksum(body: bytes) -> bytes:
    return (crc32(body) ^ 0xFFFFFFFF).to_bytes(4, "big") + body


def test_a_file_over_the_size_limit_is_refused_and_kept_aside() -> None:
    """REQ-PDB-007."""
    tester = ComponentTester(Database, settings={"max_records": 1})
    tester.write_file(FILE, bytes(5000))
    tester.reboot()
    assert tester.events.names() == ["PrmFileFinding", "DefaultUsed"]
    assert "kept as" in tester.events[0].args[0]
    tester.finish()


def test_records_beyond_the_limit_are_refused() -> None:
    """REQ-PDB-007."""
    tester = ComponentTester(Database, settings={"max_records": 1})
    save(tester, "gain", 5)
    with pytest.raises(CommandError) as caught:
        tester.component.set_prm(NUMBERS["offset"], b"\1")
    assert caught.value.response is FAILED
    assert tester.events[-1].name == "PrmDbFull"
    save(tester, "gain", 6)
    assert load(tester, {NUMBERS["offset"]: b"\1"}) is FAILED
    assert tester.events.names()[-2:] == ["PrmDbFull", "PrmDbFileLoadFailed"]
    assert load(tester, {NUMBERS["offset"]: b"\1"}, Merge.RESET) is OK
    tester.write_file(FILE, pack_database({NUMBERS["gain"]: bytes(4), NUMBERS["offset"]: b"\1"}))
    tester.reboot()
    assert tester.events.names()[0] == "PrmDbFull"
    assert tester.channels["Records"] == 1
    tester.finish()


def test_a_file_is_staged_without_effect_and_committed_as_a_whole(tester: Tester) -> None:
    """REQ-PDB-008, REQ-PDB-009."""
    save(tester, "gain", 5)
    save(tester, "title", "kept")
    staged = {NUMBERS["gain"]: packed("gain", 50), NUMBERS["mode"]: packed("mode", Mode.ON)}
    assert load(tester, staged) is OK
    assert tester.events[-1].args == ("STAGING", 2, 1, 1)
    assert (saved(tester, "gain"), tester.component.gain, tester.component.mode) == (5, 3, Mode.OFF)
    assert commit(tester) is OK
    assert tester.events[-1].name == "PrmDbCommitComplete"
    assert (saved(tester, "gain"), saved(tester, "title"), saved(tester, "mode")) == (50, "kept", Mode.ON)
    assert (tester.component.gain, tester.component.mode) == (50, Mode.ON)
    assert tester.component.updates == ("gain", "mode")
    assert commit(tester) is INVALID
    assert tester.events[-1].name == "PrmDbFileLoadInvalidAction"


def test_a_reset_commit_drops_what_the_file_does_not_have(tester: Tester) -> None:
    """REQ-PDB-009."""
    tester.set_parameter("OFFSET", 40)
    save(tester, "offset", 40)
    tester.set_parameter("TITLE", "set, not saved")
    assert load(tester, {NUMBERS["gain"]: packed("gain", 50)}, Merge.RESET) is OK
    assert commit(tester) is OK
    assert (saved(tester, "gain"), saved(tester, "offset"), tester.channels["Records"]) == (50, None, 1)
    assert (tester.component.gain, tester.component.offset) == (50, 7)
    assert tester.component.title == "set, not saved"


def test_values_saved_between_staging_and_commit_are_kept(tester: Tester) -> None:
    """REQ-PDB-009."""
    assert load(tester, {NUMBERS["gain"]: packed("gain", 50)}) is OK
    save(tester, "offset", 9)
    assert commit(tester) is OK
    assert (saved(tester, "gain"), saved(tester, "offset")) == (50, 9)


def test_one_record_that_does_not_fit_refuses_the_whole_file(tester: Tester) -> None:
    """REQ-PDB-008."""
    bad = {NUMBERS["gain"]: packed("gain", 50), NUMBERS["offset"]: b"", 0x5555: b""}
    assert load(tester, {NUMBERS["gain"]: packed("gain", 50)}) is OK
    assert load(tester, bad) is FAILED
    assert tester.events.names()[-3:] == ["RecordRefused", "RecordRefused", "PrmDbFileLoadFailed"]
    assert tester.events[-3].args[:2] == (1, NUMBERS["offset"])
    assert commit(tester) is INVALID
    assert tester.component.gain == 3


def test_of_many_records_that_do_not_fit_ten_are_named(tester: Tester) -> None:
    """REQ-PDB-008."""
    assert load(tester, dict.fromkeys(range(20480, 20544), b"")) is FAILED
    assert len(tester.events.named("RecordRefused")) == 10


@pytest.mark.parametrize(
    "data, event",
    [
        (b"", "PrmFileReadError"),
        (b"\0\0\0", "PrmFileReadError"),
        (b"\0\0\0\0", "PrmFileBadCrc"),
        (pack_database({0x100: bytes(4)})[:-1], "PrmFileBadCrc"),
        (bytes(2_000_000), "PrmFileReadError"),
    ],
)
def test_a_file_that_is_broken_is_refused(tester: Tester, data: bytes, event: str) -> None:
    """REQ-PDB-008."""
    assert load(tester, data) is FAILED
    assert tester.events.names()[-2:] == [event, "PrmDbFileLoadFailed"]
    assert tester.channels["FileErrors"] == 1
    assert commit(tester) is INVALID


@pytest.mark.parametrize("name, number", [("/absent", errno.ENOENT), ("/../x", errno.EACCES), ("/", errno.EISDIR)])
def test_a_name_that_is_no_file_is_refused(tester: Tester, name: str, number: int) -> None:
    """REQ-PDB-008."""
    assert tester.send("PRM_LOAD_FILE", name, Merge.MERGE).response is FAILED
    assert tester.events[-2].args == (PrmReadError.OPEN, 0, number)


def test_a_component_that_refuses_a_value_takes_the_commit_back(tester: Tester) -> None:
    """REQ-PDB-009."""
    tester.component.refused = "mode"
    staged = {NUMBERS["gain"]: packed("gain", 50), NUMBERS["mode"]: packed("mode", Mode.ON)}
    assert load(tester, staged) is OK
    assert commit(tester) is FAILED
    assert tester.events[-1].name == "PrmDbCommitFailed"
    assert "tested.MODE" in tester.events[-1].args[0]
    assert (tester.component.gain, tester.component.mode, saved(tester, "gain")) == (3, Mode.OFF, None)
    tester.component.refused = ""
    assert commit(tester) is OK
    assert tester.component.gain == 50


def test_a_write_that_fails_is_reported_and_the_file_stays(tester: Tester) -> None:
    """REQ-PDB-002."""
    save(tester, "gain", 1)
    tester.send("PRM_SAVE_FILE")
    before = tester.read_file(FILE)
    save(tester, "title", "more")
    disk = tester.files.disk
    disk.capacity = disk.capacity - disk.free() + 5
    assert tester.send("PRM_SAVE_FILE").response is FAILED
    assert tester.events[-1].args == (PrmWriteError.PARAMETER_VALUE, 0, errno.ENOSPC)
    assert tester.read_file(FILE) == before
    assert (tester.channels["Unsaved"], tester.channels["FileErrors"]) == (True, 1)


def test_a_dump_reports_every_parameter_and_how_it_stands(tester: Tester) -> None:
    """REQ-PDB-010."""
    save(tester, "offset", 7)
    tester.set_parameter("GAIN", 5)
    sent = tester.send("PRM_DUMP")
    tester.advance(0.2)
    assert 0 < len(tester.events.named("PrmValue")) < len(NUMBERS)
    assert tester.send("PRM_DUMP").response is CommandResponse.BUSY
    tester.advance(5)
    assert sent.response is OK
    shown = {event.args[1]: event.args[2:] for event in tester.events.named("PrmValue")}
    assert shown["tested.GAIN"] == ("5", PrmSource.CHANGED)
    assert shown["tested.OFFSET"] == ("7", PrmSource.SAVED)
    assert shown["tested.MODE"] == ("OFF", PrmSource.DEFAULT)
    assert shown["tested.RATES"] == ("[1.0,2.0,3.0]", PrmSource.DEFAULT)
    window, source = shown["tested.WINDOW"]
    assert (window, source) == ('{"start":1,"label":"a","mode":"OFF"}', PrmSource.DEFAULT)
    assert value_of(Database.__declarations__.parameters["window"].type, window) == Window(1, "a", Mode.OFF)
    assert len(shown) == len(NUMBERS)


def test_parameters_are_reset_to_their_defaults(tester: Tester) -> None:
    """REQ-PDB-011."""
    for name, value in (("gain", 5), ("offset", 9)):
        tester.set_parameter(name, value)
        save(tester, name, value)
    assert tester.send("PRM_RESET_DEFAULT", NUMBERS["gain"]).response is OK
    assert tester.events[-1].args == (1, 1)
    assert (tester.component.gain, tester.component.offset, saved(tester, "gain")) == (3, 9, None)
    assert tester.send("PRM_RESET_DEFAULT", 0).response is OK
    assert tester.events[-1].args == (len(NUMBERS), 1)
    assert (tester.component.offset, tester.channels["Records"]) == (7, 0)
    assert tester.send("PRM_RESET_DEFAULT", 0x999).response is INVALID
    assert tester.events[-1].name == "PrmIdNotFound"


class Served(PassiveComponent):
    """A component with a parameter."""

    level = Parameter(U32, default=1, low=0, high=10)
    updates = 0
    refused = -1

    def parameter_updated(self, name: str) -> None:
        """Refuses what the test says."""
        self.updates += 1
        if self.level == self.refused:
            raise ValueError("not that")


def test_a_deployment_starts_with_the_saved_values_before_those_of_its_topology() -> None:
    """REQ-PDB-003."""
    tester = ComponentTester(ParameterDb)
    tester.write_file(FILE, pack_database({0x2000: (9).to_bytes(4, "big"), 0x3000: (99).to_bytes(4, "big")}))
    instances = {"db": ParameterDb, "a": Served, "b": Served, "c": Served}
    given = [(1, "level", (4).to_bytes(4, "big")), (3, "level", (5).to_bytes(4, "big"))]
    tester.finish()

    image: dict[str, Any] = {
        "name": "Wired", "version": "1", "dictionary_hash": "",
        "instances": [(name, cls, 0x1000 * (at + 1), 5, 0, "", {}) for at, (name, cls) in enumerate(instances.items())],
        "connections": [], "services": {"parameter": 0}, "packets": [], "parameters": given,
    }  # fmt: skip
    deployment = Deployment(image, tester.platform, Root(tester.files, "/kittiwake"))
    served = [one for one in deployment.instances.values() if isinstance(one, Served)]
    assert [one.level for one in served] == [9, 1, 5]
    deployment.stop()


class Threads:
    """A database, and components on its own thread and on two others, which the test serves itself."""

    def __init__(self) -> None:
        self.deployment, _ = deploy(
            {
                "db": Database,
                "near": Served,
                "far": (Served, {"thread": "one"}),
                "remote": (Served, {"thread": "two"}),
            }
        )
        instances = self.deployment.instances
        self.served = [one for one in instances.values() if isinstance(one, Served)]
        (self.database,) = [one for one in instances.values() if isinstance(one, Database)]

    def levels(self) -> list[int]:
        return [one.level for one in self.served]

    def commit(self, levels: list[int], threads: tuple[str, ...] = ("one", "two")) -> BaseException | None:
        """Commits a level for each, while the threads named are served; gives the fault it ended with, or `None`."""
        staged = {0x2000 + 0x1000 * at: level.to_bytes(4, "big") for at, level in enumerate(levels)}
        self.database._staged = (staged, Merge.MERGE)
        ended: list[BaseException | None] = []
        self.database._context.start_task(self.database.prm_commit_staged(), ended.append)
        for _ in range(300):
            self.serve(threads)
        (fault,) = ended
        return fault

    def serve(self, threads: tuple[str, ...] = ("one", "two")) -> None:
        for thread in threads:
            self.deployment.loops[thread].settle(16)
        self.deployment.run_for(0.01)


def test_values_reach_components_on_other_threads_or_none_at_all() -> None:
    """REQ-PDB-009."""
    threads = Threads()
    assert threads.commit([2, 3, 4]) is None
    assert threads.levels() == [2, 3, 4]
    for refusing in range(3):
        threads.served[refusing].refused = 7
        assert isinstance(threads.commit([7, 7, 7]), CommandError)
        threads.serve()
        assert threads.levels() == [2, 3, 4]
        threads.served[refusing].refused = -1
    threads.deployment.stop()


def test_a_thread_that_does_not_answer_takes_the_commit_back() -> None:
    """REQ-PDB-009."""
    threads = Threads()
    fault = threads.commit([2, 3, 4], threads=("one",))
    assert isinstance(fault, CommandError)
    assert "thread two has not answered" in fault.why
    threads.serve()
    assert threads.levels() == [1, 1, 1]
    threads.deployment.stop()


def test_a_thread_whose_inbox_is_full_takes_the_commit_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-PDB-009."""
    threads = Threads()
    monkeypatch.setattr(threads.deployment.loops["two"], "post", lambda *_: False)
    fault = threads.commit([2, 3, 4])
    assert isinstance(fault, CommandError)
    assert "thread two is full" in fault.why
    assert threads.levels() == [1, 1, 1]
    threads.deployment.stop()


def restarted(tester: Tester, operation: str = "", code: int = errno.EIO) -> Tester:
    """The next start, in which an operation of the file system fails."""
    tester.stop()
    platform = tester.platform.restart()
    if operation:
        platform.files.fail_every(operation, code)
    return ComponentTester(Database, platform=platform)


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
def test_a_file_that_boot_could_not_read_loses_nothing_by_the_next_save(tester: Tester, code: int) -> None:
    """REQ-PDB-002: what was saved before stays saved; while it cannot be read, nothing is written over it."""
    save(tester, "gain", 9)
    assert tester.send("PRM_SAVE_FILE").response is OK
    tester = restarted(tester, "read", code)
    assert saved(tester, "gain") is None
    save(tester, "offset", 3)
    assert tester.send("PRM_SAVE_FILE").response is FAILED
    assert tester.events[-1].name == "PrmFileWriteError"
    tester.files.heal()
    assert tester.send("PRM_SAVE_FILE").response is OK
    tester = restarted(tester)
    assert (saved(tester, "gain"), saved(tester, "offset")) == (9, 3)
    tester.finish()


@pytest.mark.parametrize("is_lost", [False, True])
def test_while_the_file_cannot_be_read_its_previous_copy_serves(tester: Tester, is_lost: bool) -> None:
    """REQ-PDB-002: it does not count for more than the file once that can be read; one that never can is given up."""
    for gain in (7, 9):
        save(tester, "gain", gain)
        assert tester.send("PRM_SAVE_FILE").response is OK
    read, path = SimulatedFiles.read, tester.root.resolve(FILE)

    def silent(files: SimulatedFiles, name: str, limit: int) -> bytes:
        if name == path and files.disk.exists(path):
            raise OSError(errno.EIO, "Input/output error", name)
        return read(files, name, limit)

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(SimulatedFiles, "read", silent)
        tester = restarted(tester)
        assert saved(tester, "gain") == 7
        save(tester, "offset", 3)
        assert not is_lost or tester.send("PRM_SAVE_FILE").response is OK
    assert tester.send("PRM_SAVE_FILE").response is OK
    tester = restarted(tester)
    assert (saved(tester, "gain"), saved(tester, "offset")) == (7 if is_lost else 9, 3)
    assert any(".bad." in name for name in tester.files.list(path.rpartition("/")[0])) == is_lost
    tester.finish()


def test_a_disk_that_cannot_be_read_at_boot_is_reported() -> None:
    """REQ-PDB-006."""
    tester = with_file(b"in the way", "/prm")
    assert [(event.name, event.args[0]) for event in tester.events] == [
        ("PrmFileReadError", PrmReadError.OPEN),
        ("DefaultUsed", len(NUMBERS)),
    ]
    assert tester.send("PRM_SAVE_FILE").response is FAILED
    assert tester.events[-1].args[0] is PrmWriteError.OPEN
    tester.finish()


def test_settings_have_limits() -> None:
    """REQ-PDB-007."""
    settings = ParameterDb.__declarations__.settings
    for name, good, bad in (("max_records", (1, 65_535), (0, 65_536)), ("dump_rate", (1, 1000), (0, 1001))):
        check = settings[name].check
        for value in good:
            check(value)
        for value in bad:
            with pytest.raises(ValueError, match="is outside"):
                check(value)
