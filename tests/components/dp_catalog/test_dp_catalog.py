"""DpCatalog: what there is and what was sent outlives everything, the most important goes first, the quota holds."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.commands import CommandResponse
from kittiwake.model.fw import Wait
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.data_product import ProductHeader, pack_product
from kittiwake_components.dp_catalog.component import DpCatalog
from tests.components.power_cuts import cut_everywhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.testing import SentCommand

Tester = ComponentTester[DpCatalog]
OK, FAILED, BUSY = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.BUSY


def put(tester: Tester, priority: int, seconds: int, size: int = 10) -> str:
    """Writes a product as DpWriter does; gives its name."""
    header = ProductHeader(0x410, priority, 2 << 64 | seconds * 1_000_000, size)
    name = f"/dp/{header.file_name}"
    tester.write_file(name, pack_product(header, bytes(size)))
    return name


def add(tester: Tester, priority: int, seconds: int, size: int = 10) -> str:
    """Writes a product and announces it."""
    name = put(tester, priority, seconds, size)
    tester.call.add_to_cat(name, priority, size)
    return name


def start(tester: Tester, wait: Wait = Wait.NO_WAIT, *, remain: bool = False) -> SentCommand:
    return tester.send("START_XMIT_CATALOG", wait, remain)


def done(tester: Tester, response: CommandResponse = OK) -> None:
    """Answers the file that is under way."""
    tester.call.file_done(tester.ports.file_out[-1][2], response)


def asked(tester: Tester) -> list[str]:
    """The files that the file downlink was asked for."""
    return [source for source, _, _ in tester.ports.file_out]


@pytest.fixture
def tester() -> Iterator[Tester]:
    with ComponentTester(DpCatalog) as made:
        yield made


def test_the_design_sheet_says_what_the_class_says() -> None:
    assert differences(DpCatalog) == []


def test_the_catalogue_is_built_from_the_folder(tester: Tester) -> None:
    """REQ-DPC-001."""
    for seconds in range(3):
        put(tester, 5, seconds)
    tester.call.run(0)
    size = tester.files.size(f"/kittiwake{put(tester, 5, 0)}")
    assert tester.events.named("ProcessingDirectoryComplete")[0].args == ("/dp", 3, 3, 3 * size)
    assert (tester.channels["CatalogDps"], tester.channels["DpsPending"]) == (3, 3)
    assert tester.channels["CatalogBytes"] == 3 * size


def test_products_go_by_priority_and_then_by_age(tester: Tester) -> None:
    """REQ-DPC-002."""
    keys = [(priority, later + priority) for priority in (9, 1, 5) for later in (20, 10)]
    names = {key: put(tester, *key) for key in keys}
    tester.call.run(0)
    sent = start(tester, Wait.WAIT)
    for _ in names:
        assert not sent.is_answered
        done(tester)
    assert asked(tester) == [names[key] for key in sorted(names)]
    assert sent.response is OK
    assert tester.events.named("CatalogXmitCompleted")
    assert tester.channels["DpsSent"] == 6
    assert tester.channels["DpsPending"] == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50)), max_size=12, unique_by=lambda one: one[1]))
def test_any_products_are_sent_once_in_their_order(products: list[tuple[int, int]]) -> None:
    """REQ-DPC-002, REQ-DPC-003."""
    with ComponentTester(DpCatalog) as tester:
        names = {key: put(tester, *key) for key in products}
        tester.call.run(0)
        start(tester)
        for _ in products:
            done(tester)
        assert asked(tester) == [names[key] for key in sorted(names)]
        tester.reboot()
        tester.call.run(0)
        start(tester)
        assert asked(tester) == []


def test_what_was_sent_is_known_after_a_power_cut(tester: Tester) -> None:
    """REQ-DPC-003. Upstream: an interrupted state file sends products again or never."""
    names = [put(tester, 5, seconds) for seconds in range(3)]
    tester.call.run(0)
    start(tester)
    done(tester)
    tester.crash()
    tester.call.run(0)
    start(tester)
    assert asked(tester) == [names[1]]


def test_a_product_that_comes_later_is_sent_where_the_catalogue_stays_active(tester: Tester) -> None:
    """REQ-DPC-004."""
    tester.call.run(0)
    start(tester, remain=True)
    first = add(tester, 9, 1)
    second = add(tester, 5, 2)
    third = add(tester, 1, 3)
    done(tester)
    done(tester)
    assert asked(tester) == [first, third, second]
    done(tester)
    assert len(tester.events.named("CatalogXmitCompleted")) == 1
    tester.send("STOP_XMIT_CATALOG")
    add(tester, 1, 4)
    assert len(asked(tester)) == 3


def test_it_may_send_from_the_start() -> None:
    """REQ-DPC-004."""
    with ComponentTester(DpCatalog, settings={"send_at_start": True}) as tester:
        name = put(tester, 5, 1)
        tester.call.run(0)
        assert asked(tester) == [name]


def test_a_transmission_is_stopped_by_command(tester: Tester) -> None:
    """REQ-DPC-005."""
    for seconds in range(3):
        put(tester, 5, seconds)
    tester.call.run(0)
    sent = start(tester, Wait.WAIT)
    assert tester.send("STOP_XMIT_CATALOG").response is OK
    assert sent.response is FAILED
    done(tester)
    assert len(asked(tester)) == 1
    assert tester.channels["DpsPending"] == 2
    tester.send("STOP_XMIT_CATALOG")
    assert tester.events.named("XmitNotActive")


def test_commands_are_refused_at_the_wrong_time() -> None:
    """REQ-DPC-006."""
    with ComponentTester(DpCatalog, settings={"build_at_start": False}) as tester:
        put(tester, 5, 1)
        tester.call.run(0)
        assert start(tester).response is FAILED
        assert tester.events.named("XmitUnbuiltCatalog")
        add(tester, 5, 2)
        assert tester.events.named("NotLoaded")
        assert tester.send("BUILD_CATALOG").response is OK
        start(tester)
        for command in ("BUILD_CATALOG", "CLEAR_CATALOG"):
            assert tester.send(command).response is BUSY
        assert start(tester).response is BUSY
        done(tester)
        done(tester)
        assert tester.send("CLEAR_CATALOG").response is OK
        assert tester.channels["CatalogDps"] == 0
        assert start(tester).response is FAILED


def test_a_failed_file_halts_and_is_sent_again_later(tester: Tester) -> None:
    """REQ-DPC-007."""
    name = put(tester, 5, 1)
    tester.call.run(0)
    sent = start(tester, Wait.WAIT)
    done(tester, FAILED)
    assert sent.response is FAILED
    assert tester.events.named("DpFileXmitError")[0].args == (name, FAILED)
    start(tester)
    done(tester)
    assert asked(tester) == [name, name]
    assert tester.channels["DpsPending"] == 0


def test_where_it_stays_active_a_failed_file_is_sent_again_by_itself(tester: Tester) -> None:
    """REQ-DPC-007: a link that was lost in the middle of a file must not end it for good."""
    name = put(tester, 5, 1)
    tester.call.run(0)
    start(tester, remain=True)
    done(tester, FAILED)
    for _ in range(59):
        tester.advance(1)
        tester.call.run(0)
    assert asked(tester) == [name]
    tester.advance(1)
    tester.call.run(0)
    assert asked(tester) == [name, name]
    done(tester)
    assert tester.channels["DpsSent"] == 1


def test_a_busy_downlink_is_asked_again(tester: Tester) -> None:
    """REQ-DPC-007."""
    name = put(tester, 5, 1)
    tester.call.run(0)
    start(tester)
    done(tester, BUSY)
    assert asked(tester) == [name]
    tester.call.run(0)
    assert asked(tester) == [name, name]
    done(tester)
    assert tester.channels["DpsSent"] == 1


def test_a_file_that_the_ground_has_removed_halts_nothing(tester: Tester) -> None:
    """REQ-DPC-007. Upstream: one missing file halts the transmission."""
    first, second = put(tester, 5, 1), put(tester, 5, 2)
    tester.call.run(0)
    start(tester)
    tester.files.remove(f"/kittiwake{first}")
    done(tester, FAILED)
    assert asked(tester) == [first, second]
    done(tester)
    assert tester.channels["CatalogDps"] == 1


def test_answers_to_others_are_none_of_ours(tester: Tester) -> None:
    """REQ-DPC-007."""
    put(tester, 5, 1)
    tester.call.run(0)
    start(tester)
    tester.call.file_done(1, OK)
    assert not tester.channels["DpsSent"]


def test_the_quota_takes_what_was_sent_first_and_then_the_least_important() -> None:
    """REQ-DPC-008."""
    with ComponentTester(DpCatalog, settings={"quota_bytes": 1 << 16}) as tester:
        tester.call.run(0)
        start(tester)
        oldest = add(tester, 1, 1, 20_000)
        add(tester, 9, 2, 20_000)
        start(tester)
        done(tester)
        tester.send("STOP_XMIT_CATALOG")
        done(tester)
        names = [add(tester, priority, seconds, 20_000) for priority, seconds in ((3, 3), (7, 4), (3, 5))]
        gone = [event.args for event in tester.events.named("DpRemoved")]
        assert gone[0] == (oldest, True)
        assert (names[1], False) not in gone or len(gone) > 2
        for seconds in (6, 7):
            add(tester, 3, seconds, 20_000)
        gone = [event.args for event in tester.events.named("DpRemoved")]
        assert (names[1], False) in gone
        assert tester.channels["CatalogBytes"] <= 1 << 16
        assert tester.channels["CatalogDps"] == 3
        assert tester.channels["DpsRemoved"] == 4
        assert tester.channels["DpsLost"] == sum(not sent for _, sent in gone)


def test_a_file_that_is_no_product_is_kept_aside(tester: Tester) -> None:
    """REQ-DPC-009."""
    put(tester, 5, 1)
    tester.write_file("/dp/torn.fdp", b"torn")
    tester.write_file("/dp/notes.txt", b"notes")
    tester.call.run(0)
    assert tester.channels["CatalogDps"] == 1
    assert "torn.fdp" in tester.events.named("CatalogFinding")[0].args[0]
    assert sorted(tester.files.list("/kittiwake/dp"))[1:] == ["notes.txt", "sent", "torn.fdp.bad.0"]


def test_a_file_elsewhere_is_none_of_ours(tester: Tester) -> None:
    """REQ-DPC-009."""
    tester.call.run(0)
    tester.call.add_to_cat("/other/a.fdp", 1, 1)
    tester.call.add_to_cat("/dp/absent.fdp", 1, 1)
    assert tester.events.named("DirectoryNotManaged")[0].args == ("/other/a.fdp",)
    assert tester.events.named("FileReadError")[0].args == ("/dp/absent.fdp", errno.ENOENT)


def test_announcements_without_room_are_made_up_for(tester: Tester) -> None:
    """REQ-DPC-010."""
    tester.call.run(0)
    with tester.held():
        for seconds in range(15):
            add(tester, 5, seconds)
    assert tester.channels["CatalogDps"] == 10
    tester.call.run(0)
    assert tester.channels["CatalogDps"] == 15


def test_without_a_note_of_what_was_sent_nothing_is_sent_for_ever(tester: Tester) -> None:
    """REQ-DPC-003."""
    put(tester, 5, 1)
    tester.call.run(0)
    start(tester, remain=True)
    tester.files.fail_every("write_at", errno.ENOSPC)
    done(tester)
    tester.files.heal()
    assert tester.events.named("StateFileWriteError")
    assert len(asked(tester)) == 1


def test_a_folder_that_cannot_be_read_is_reported_and_read_later(tester: Tester) -> None:
    """REQ-DPC-001."""
    put(tester, 5, 1)
    tester.files.fail_every("list", errno.EIO)
    tester.call.run(0)
    assert tester.events.named("DirectoryOpenError")[0].args == ("/dp", errno.EIO)
    tester.files.heal()
    tester.call.run(0)
    assert tester.channels["CatalogDps"] == 1


def test_every_cut_leaves_what_was_sent_and_what_was_not() -> None:
    """REQ-DPC-003: a product whose note was under way may be sent twice, and none is left out."""

    def prepared(seed: int) -> Tester:
        tester: Tester = ComponentTester(DpCatalog, seed=seed)
        for seconds in range(3):
            put(tester, 5, seconds)
        return tester

    def scenario(tester: Tester, noted: list[int]) -> None:
        tester.call.run(0)
        start(tester)
        for _ in range(2):
            done(tester)
            noted.append(1)

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        tester.call.run(0)
        start(tester)
        for _ in range(3):
            if len(asked(tester)) > (tester.channels["DpsSent"] or 0):
                done(tester)
        names = [f"/dp/Dp_00001040_{seconds:08}_00000000.fdp" for seconds in range(3)]
        assert asked(tester) in (names[len(noted) :], names[len(noted) + 1 :])

    assert cut_everywhere(prepared, scenario, judge) > 5
