"""Display: what is shown, when it is refreshed, and that nothing which is missing does harm."""

from __future__ import annotations

import errno
import struct
import sys
from io import BytesIO
from typing import Any

import pytest

pytest.importorskip("PIL")

from PIL import Image

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.time_tag import TAG_SIZE, pack_tag
from kittiwake_components import Display
from kittiwake_components.display.content import contact_text, time_text
from kittiwake_components.display.pages import Row, pack_rows
from kittiwake_components.display.panels import read_device
from kittiwake_components.ports.mode import SystemMode
from kittiwake_components.ports.service import failed, succeeded
from tests.components.power_cuts import cut_everywhere

FILE = "/screen/display.png"
PNG = "png:///screen?size=250x122&bits=1"
OWN = {"own": ["Refreshes: tested.Refreshes 0..10"]}
Tester = ComponentTester[Display]


class Store:
    """A store that holds one number for whatever channel is asked for."""

    def __init__(self) -> None:
        self.value: int | None = 3

    def get(self, id: int) -> bytes:
        return bytes(TAG_SIZE + 4) if self.value is None else pack_tag((2 << 64) + 1) + struct.pack(">I", self.value)


def display(store: Store | None = None, **options: Any) -> Tester:
    store = store or Store()
    settings = {"device": PNG, "pages": OWN, "first_page": "own", **options.pop("settings", {})}
    returns = {
        "tlm_get": store.get, "credit_get": 100_000, "identity": lambda method, arguments: succeeded("kw-0042"),
        **options.pop("returns", {}),
    }  # fmt: skip
    return ComponentTester(Display, settings=settings, returns=returns, **options)


def tick(tester: Tester, seconds: int = 1) -> None:
    for _ in range(seconds):
        tester.call.sched_in(0)
        tester.advance(1)


def refreshes(tester: Tester) -> int:
    return tester.channels["Refreshes"] or 0


def picture(tester: Tester) -> Image.Image:
    return Image.open(BytesIO(tester.read_file(FILE)))


def test_the_sheet_says_what_is_declared() -> None:
    assert differences(Display) == []


def test_a_page_is_shown_and_refreshed_only_when_it_changes() -> None:
    """REQ-DI-007, REQ-DI-008: and each frame goes out."""
    store = Store()
    with display(store) as tester:
        tick(tester)
        assert picture(tester).size == (250, 122)
        assert tester.channels["CurrentPage"] == "own"
        assert tester.events.named("DisplayUpdated")[0].args[0] == "own"
        first = tester.read_file(FILE)
        assert tester.ports.frame_out == [("own", first)]
        tick(tester, 400)
        assert refreshes(tester) == 1
        store.value = 4
        tick(tester)
        assert refreshes(tester) == 2
        assert tester.read_file(FILE) != first


def test_refreshes_are_no_closer_than_min_refresh() -> None:
    """REQ-DI-009."""
    store = Store()
    with display(store) as tester:
        for second in range(400):
            store.value = second
            tick(tester)
        assert refreshes(tester) == 3  # at 0, 180 and 360 s
        tester.set_parameter("MIN_REFRESH_S", 10)
        tick(tester, 200)
        assert refreshes(tester) == 4  # the last value, once it was due
        store.value = 77
        tick(tester, 1)
        assert refreshes(tester) == 5


def test_without_credit_or_in_a_mode_that_forbids_it_the_panel_is_left_alone() -> None:
    """REQ-DI-010."""
    credit = [100]
    with display(returns={"credit_get": lambda: credit[0]}) as tester:
        tick(tester, 5)
        assert refreshes(tester) == 0
        credit[0] = 5000
        tester.call.mode_changed_in(SystemMode.HIBERNATE)
        tick(tester, 5)
        assert refreshes(tester) == 0
        tester.call.mode_changed_in(SystemMode.NORMAL)
        tick(tester, 5)
        assert refreshes(tester) == 1


def test_a_picture_that_is_there_is_not_drawn_again_after_a_restart() -> None:
    """REQ-DI-008."""
    with display() as tester:
        tick(tester)
        for begin_again in (tester.reboot, tester.restart, tester.crash):
            begin_again()
            tick(tester, 5)
            assert refreshes(tester) == 0
            assert tester.channels["CurrentPage"] == "own"


def test_a_panel_that_forgets_is_drawn_after_a_restart() -> None:
    """REQ-DI-008."""
    pytest.importorskip("luma.core")
    with display(settings={"device": "luma:dummy?size=128x64"}) as tester:
        tick(tester)
        assert refreshes(tester) == 1
        tester.reboot()
        tick(tester)
        assert refreshes(tester) == 1


def test_the_panel_never_shows_what_the_record_does_not_know() -> None:
    """REQ-DI-011: power cuts at every file operation of two refreshes; whatever page is wanted next gets shown."""

    def prepared(seed: int) -> Tester:
        tester = display(parameters={"min_refresh_s": 1}, seed=seed)
        tick(tester)
        return tester

    def scenario(tester: Tester, noted: list[int]) -> None:
        tester.send("SHOW_PAGE", "status")
        tick(tester, 2)
        tester.send("SHOW_PAGE", "own")
        tick(tester, 2)

    with display() as fresh:
        tick(fresh)
        wanted = fresh.read_file(FILE)

    def judge(tester: Tester, noted: list[int], ports: Any) -> None:
        tick(tester, 3)
        assert tester.read_file(FILE) == wanted
        # A slot of the record that was torn is said to be so; nothing else is wrong.
        assert all("checksum" in one.args[0] for one in tester.events.named("DisplayFault"))

    assert cut_everywhere(prepared, scenario, judge) > 8


def test_commands_choose_what_is_shown() -> None:
    """REQ-DI-012."""
    with display(parameters={"min_refresh_s": 1}) as tester:
        pictures = set()
        for command, arguments in (("SHOW_PAGE", ["device"]), ("SHOW_PAGE", ["enrolment"]), ("SHOW_PAGE", ["status"]),
                                   ("TEST_PATTERN", []), ("CLEAR", [])):  # fmt: skip
            assert tester.send(command, *arguments).response is CommandResponse.OK
            tick(tester, 2)
            pictures.add(tester.read_file(FILE))
        assert len(pictures) == 5
        assert picture(tester).convert("L").getextrema() == (255, 255)
        history = tester.channel("CurrentPage").history
        assert history == ["device", "enrolment", "status", "test pattern", "blank"]
        assert tester.send("SHOW_PAGE", "nonsense").response is CommandResponse.VALIDATION_ERROR
        tick(tester, 2)
        assert refreshes(tester) == 5


def test_a_page_of_somebody_elses_is_held_for_a_while_by_its_priority() -> None:
    """REQ-DI-013."""
    with display(parameters={"min_refresh_s": 1, "hold_s": 60}) as tester:
        tester.call.show("Update", pack_rows([Row("Progress", "40", "%", 0.4)]), 5)
        tick(tester, 2)
        tester.call.show("status", b"", 4)
        tick(tester, 2)
        assert tester.channels["CurrentPage"] == "Update"
        tester.call.show("status", b"", 5)
        tick(tester, 2)
        assert tester.channels["CurrentPage"] == "status"
        tick(tester, 70)
        assert tester.channels["CurrentPage"] == "own"
        tester.call.show("Update", b"\xff", 9)
        tester.call.show("nowhere", b"", 9)
        assert len(tester.events.named("DisplayFault")) == 2


@pytest.mark.parametrize("degrees, size", [(0, (250, 122)), (90, (250, 122)), (180, (250, 122)), (270, (250, 122))])
def test_the_picture_is_turned_for_the_panel(degrees: int, size: tuple[int, int]) -> None:
    """REQ-DI-014."""
    with display(parameters={"rotation": degrees}) as tester:
        tester.send("TEST_PATTERN")
        tick(tester)
        shown = picture(tester).convert("L")
        assert shown.size == size
        upright = shown.rotate(-degrees, expand=True)
        assert upright.getpixel((5, 5)) == 0  # the block at the top left
        assert tester.send("ROTATION_PRM_SET", 45).response is CommandResponse.VALIDATION_ERROR


@pytest.mark.parametrize("device, missing", [(PNG, "PIL"), ("luma:ssd1306?bus=99", None), ("epd:ssd1680", None)])
def test_without_the_extra_or_the_device_there_is_an_event_and_no_harm(
    device: str, missing: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ-DI-015."""
    if missing:
        monkeypatch.setitem(sys.modules, missing, None)
    with display(settings={"device": device}) as tester:
        tick(tester, 5)
        assert [len(one.args[0]) > 5 for one in tester.events.named("DisplayFault")] == [True]
        assert refreshes(tester) == 0
        assert tester.send("SHOW_PAGE", "status").response is CommandResponse.OK


def test_a_disk_that_takes_nothing_is_reported_and_tried_again() -> None:
    """REQ-DI-015."""
    with display() as tester:
        tester.files.fail_every("write_at", errno.ENOSPC)
        tick(tester, 2)
        assert tester.events.named("DisplayFault")
        tester.files.heal()
        tick(tester, 200)
        assert refreshes(tester) == 1


def test_none_shows_nothing_and_says_nothing() -> None:
    """REQ-DI-015."""
    with display(settings={"device": "none", "first_page": "device", "pages": {}}) as tester:
        tick(tester, 5)
        assert len(tester.events) == 0


def test_a_page_with_unknown_channels_is_shown_with_dashes() -> None:
    """REQ-DI-005."""
    with display(settings={"pages": {"own": ["Tank: plant.Level", "Refreshes: tested.Refreshes"]}}) as tester:
        assert "no instance 'plant'" in tester.events.named("DisplayFault")[0].args[0]
        tick(tester)
        assert refreshes(tester) == 1


def test_a_machine_without_an_id_is_shown_with_a_dash_and_asked_again() -> None:
    """REQ-DI-016."""
    known = [False]

    def identity(method: str, arguments: bytes) -> bytes:
        return succeeded("kw-0042") if known[0] else failed("not enrolled")

    with display(settings={"first_page": "enrolment"}, returns={"identity": identity}) as tester:
        tick(tester)
        before = tester.read_file(FILE)
        known[0] = True
        tick(tester, 200)
        assert tester.read_file(FILE) != before


def test_the_last_contact_outlives_a_restart() -> None:
    """REQ-DI-016."""
    with display(settings={"first_page": "device"}, parameters={"min_refresh_s": 1}) as tester:
        tick(tester, 2)
        never = tester.read_file(FILE)
        tester.call.packet_routed_in(0, True)
        tick(tester, 2)
        contact = tester.read_file(FILE)
        assert contact != never
        tester.reboot()
        tick(tester, 2)
        assert tester.read_file(FILE) == contact


def test_times_are_told_to_the_minute_and_a_fresh_contact_is_now() -> None:
    """REQ-DI-016."""
    noon = 1_795_780_320
    assert time_text(noon) == "27 Nov 11:52"
    assert contact_text(0, noon * 1_000_000) == "none yet"
    assert contact_text(noon * 1_000_000, (noon + 599) * 1_000_000) == "now"
    assert contact_text(noon * 1_000_000, (noon + 700) * 1_000_000) == "27 Nov 11:52"


@pytest.mark.parametrize(
    "text", ["", "png:/screen", "png:///s?size=5x5", "png:///s?size=wide", "png:///s?bits=2", "epd:other", "luma:",
             "luma:ssd1306?address=far", "luma:ssd1306?colour=1", "screen"],
)  # fmt: skip
def test_a_device_that_is_none_is_refused_in_words(text: str) -> None:
    """REQ-DI-015."""
    with pytest.raises(ValueError, match=r"wanted|pixels|number|bits|option|folder"):
        read_device(text)
