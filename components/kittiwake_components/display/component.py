"""Shows pages on e-paper, an OLED or a PNG file, and refreshes as seldom as it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    DIAGNOSTIC,
    U32,
    WARNING_LO,
    ActiveComponent,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Setting,
    Size,
    String,
    async_port,
    command,
    event,
    guarded_port,
)
from kittiwake.model.fw import Sched
from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.root import reason_of
from kittiwake_components.display.content import BUILT_IN, built_in_sources, contact_text, value_row, words
from kittiwake_components.display.drawing import draw_page, draw_test_pattern
from kittiwake_components.display.frame_record import UNKNOWN, FrameRecord, Shown, digest_of
from kittiwake_components.display.lettering import FONTS
from kittiwake_components.display.pages import MAX_PAGES, MAX_ROWS, NONE, Page, Row, Source, read_source, unpack_rows
from kittiwake_components.display.panels import open_panel, png_of, read_device
from kittiwake_components.ports.display import FRAME_SIZE_MAX, PAGE_NAME_SIZE, DisplayFrame, PageName, ShowPage
from kittiwake_components.ports.link import PacketRouted
from kittiwake_components.ports.mode import SystemMode, SystemModeChanged
from kittiwake_components.ports.power import SleepCredit
from kittiwake_components.ports.service import CallService, ServiceFault, pack_arguments, result_of
from kittiwake_components.ports.value import TlmGet
from kittiwake_components.watched_channel import Watched, find_channel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL import Image

    from kittiwake.storage.finding import Finding
    from kittiwake_components.display.panels import Panel

BLANK, TEST_PATTERN = "blank", "test pattern"
REASON_SIZE = 120
U32_MAX = 0xFFFFFFFF
NS_PER_MS = 1_000_000
Reason = Annotated[str, Size(REASON_SIZE)]


def _check_device(text: str) -> None:
    read_device(text)


def _check_pages(pages: dict[str, list[str]]) -> None:
    if len(pages) > MAX_PAGES:
        raise ValueError(f"there are at most {MAX_PAGES} pages, not {len(pages)}")
    for name, rows in pages.items():
        if not 0 < len(name.encode()) <= PAGE_NAME_SIZE or name in (BLANK, TEST_PATTERN):
            raise ValueError(f"{name!r} is no name of a page: 1 to {PAGE_NAME_SIZE} bytes, and none of our own")
        if len(rows) > MAX_ROWS:
            raise ValueError(f"page {name}: at most {MAX_ROWS} rows, not {len(rows)}")
        for row in rows:
            read_source(row)


def _check_font(font: str) -> None:
    if font not in FONTS:
        raise ValueError(f"there is no font {font!r}: {', '.join(FONTS)}")


def _check_modes(modes: list[str]) -> None:
    unknown = set(modes) - set(SystemMode.__members__)
    if unknown:
        raise ValueError(f"there is no mode {', '.join(sorted(unknown))}: {', '.join(SystemMode.__members__)}")


class Notice(NamedTuple):
    """A page that somebody has had shown: by its name, or with rows of its own."""

    name: str
    rows: tuple[Row, ...] | None
    priority: int
    until_ns: int


class Display(ActiveComponent):
    """Pages as typed data, drawn only when they have changed, when there is energy for it, and not too often."""

    tlm_get = OutputPort(TlmGet, doc="The latest values, from the telemetry store.")
    credit_get = OutputPort(SleepCredit, doc="The time credit; left open, there is always enough.")
    identity = OutputPort(CallService, doc="The service that `get_machine_id` is asked of.")
    frame_out = OutputPort(DisplayFrame, doc="Every picture that was put on the panel.")

    current_page = Channel(String(PAGE_NAME_SIZE), on_change=True, doc="The page on the panel; empty while unknown.")
    refreshes = Channel(U32, on_change=True, doc="Refreshes of the panel since the start.")
    last_refresh_ms = Channel(U32, on_change=True, unit="ms", doc="How long the last one took, drawing included.")

    min_refresh_s = Parameter(U32, default=180, low=1, high=86400, unit="s", doc="From refresh to refresh, at least.")
    rotation = Parameter(U32, default=0, low=0, high=270, unit="deg", doc="0, 90, 180 or 270, against the clock.")
    min_credit_s = Parameter(U32, default=3600, low=0, high=2_592_000, unit="s", doc="With less credit no refresh.")
    hold_s = Parameter(U32, default=600, low=1, high=86400, unit="s", doc="So long a page stays that a port shows.")
    full_every = Parameter(U32, default=10, low=0, high=1000, doc="Partial refreshes of e-paper between full ones.")

    device = Setting(
        str, default="none", check=_check_device,
        doc="png:///FOLDER, luma:DRIVER, epd:CONTROLLER or none; options behind a question mark, as size=250x122.",
    )  # fmt: skip
    pages = Setting(
        dict[str, list[str]], default={}, check=_check_pages,
        doc="Pages by name: lists of `LABEL: instance.Channel`, or `LABEL: instance.Channel LOW..HIGH` for a bar.",
    )  # fmt: skip
    first_page = Setting(str, default="device", doc="The page after a start.")
    modes = Setting(
        list[str], default=["SAFE_MODE", "NORMAL", "PAYLOAD"], check=_check_modes, doc="Modes with refreshes."
    )
    font = Setting(str, default="outline", check=_check_font, doc="outline or bitmap.")
    file = Setting(str, default="/display", doc="Record of what the panel shows.")

    @event(DIAGNOSTIC, "{page} is shown, after {duration_ms} ms")
    def display_updated(self, page: PageName, duration_ms: U32) -> None:
        """The panel took a picture."""

    @event(WARNING_LO, "{reason}", throttle=5, every_s=600.0)
    def display_fault(self, reason: Reason) -> None:
        """Something cannot be shown; all else goes on."""

    def initialize(self) -> None:
        self._device = read_device(self.device)
        self._record = FrameRecord(self.platform.files, self.root.resolve(self.file))
        self._shown = Shown()
        self._panel: Panel | None = None
        self._sources: dict[str, Watched] = {}
        self._page = self.first_page
        self._notice: Notice | None = None
        self._seen: tuple[Any, ...] | None = None
        self._mode: SystemMode | None = None
        self._machine_id = ""
        self._due_ns = 0
        self._refreshes = 0

    def start(self) -> None:
        if self._page not in self._names():
            self._fault(f"there is no page {self._page}: device is shown")
            self._page = "device"
        for text in sorted({row for rows in self.pages.values() for row in rows}):
            source = read_source(text)
            try:
                self._watch(source.channel)
            except LookupError as fault:
                self._fault(f"{source.label}: {fault.args[0]}")
        for source in built_in_sources():
            try:
                self._watch(source.channel)
            except LookupError:
                pass  # this deployment has no such component: a dash stands there
        try:
            self._shown, findings = self._record.read()
            self._report(findings)
        except OSError as fault:
            self._fault(fault)

    def stop(self) -> None:
        self._close()

    def parameter_updated(self, name: str) -> None:
        if name == "rotation" and self.rotation % 90:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "ROTATION is 0, 90, 180 or 270")

    # Commands

    @command
    def show_page(self, page: PageName) -> None:
        """Has a page shown from now on, as soon as a refresh is due and allowed."""
        if page not in self._names():
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no page {page}: {', '.join(self._names())}")
        self._page, self._notice = page, None

    @command
    def clear(self) -> None:
        """Has the panel blank from now on, as soon as a refresh is due and allowed."""
        self._page, self._notice = BLANK, None

    @command
    def test_pattern(self) -> None:
        """Has a test pattern shown from now on, as soon as a refresh is due and allowed."""
        self._page, self._notice = TEST_PATTERN, None

    # Ports

    @async_port(ShowPage, full="drop_oldest")
    def show(self, page: str, data: bytes, priority: int) -> None:
        """Shows a page for HOLD_S, unless one of a higher priority is shown."""
        standing = self._standing_notice()
        if standing is not None and standing.priority > priority:
            return
        try:
            rows = unpack_rows(data) if data else None
        except ValueError as fault:
            self._fault(f"page {page}: {fault}")
            return
        if rows is None and page not in self._names():
            self._fault(f"there is no page {page}")
            return
        self._notice = Notice(page, rows, priority, self.clock.now_ns() + self.hold_s * NS_PER_S)

    @async_port(Sched, full="drop")
    def sched_in(self, context: int) -> None:
        """Looks whether what is to be shown has changed, and may be shown now."""
        now_ns = self.clock.now_ns()
        if self._device is None or now_ns < self._due_ns or not self._is_allowed():
            return
        name, page = self._wanted()
        seen = (name, page, self.rotation)
        if seen != self._seen and self._show(name, page, now_ns):
            self._seen = seen

    @async_port(SystemModeChanged, full="drop_oldest")
    def mode_changed_in(self, mode: SystemMode) -> None:
        """The mode, for the device page and for whether the panel may be refreshed."""
        self._mode = mode

    @guarded_port(PacketRouted)
    def packet_routed_in(self, apid: int, authenticated: bool) -> None:
        """The ground was heard."""
        self._shown = self._shown._replace(contact_us=max(0, self.clock.wall_ns() // 1000))

    # What is to be shown

    def _names(self) -> list[str]:
        return [*BUILT_IN, *(name for name in self.pages if name not in BUILT_IN)]

    def _watch(self, channel: str) -> None:
        """Finds a channel by its instance, or by its component's class where no instance is called so."""
        instances = self._context.deployment.instances
        owner, _, label = channel.rpartition(".")
        if owner not in instances:
            owner = next((name for name, one in instances.items() if type(one).__name__ == owner), owner)
        self._sources[channel] = find_channel(f"{owner}.{label}", instances)

    def _standing_notice(self) -> Notice | None:
        if self._notice is not None and self.clock.now_ns() >= self._notice.until_ns:
            self._notice = None
        return self._notice

    def _wanted(self) -> tuple[str, Page]:
        """The page that should be on the panel now, with its values."""
        notice = self._standing_notice()
        if notice is not None and notice.rows is not None:
            return notice.name, Page(notice.name, notice.rows)
        name = self._page if notice is None else notice.name
        if name in self.pages:
            return name, Page(name, tuple(self._row(read_source(row)) for row in self.pages[name]))
        if name not in BUILT_IN:
            return name, Page("")
        title, rows = BUILT_IN[name]
        return name, Page(title, tuple(self._row(row) if isinstance(row, Source) else self._fact(row) for row in rows))

    def _row(self, source: Source) -> Row:
        watched = self._sources.get(source.channel)
        packed = self.tlm_get(watched.id) if watched and self.is_connected(Display.tlm_get) else b""
        return value_row(source, watched, packed)

    def _fact(self, label: str) -> Row:
        if label == "Mode":
            return Row(label, NONE if self._mode is None else words(self._mode.name))
        if label == "Contact":
            return Row(label, contact_text(self._shown.contact_us, self.clock.wall_ns() // 1000))
        return Row(label, self._identity())

    def _identity(self) -> str:
        """The machine's id, asked until it is known."""
        if not self._machine_id and self.is_connected(Display.identity):
            try:
                self._machine_id = str(result_of(self.identity("get_machine_id", pack_arguments([]))))[:PAGE_NAME_SIZE]
            except ServiceFault as fault:
                self._fault(f"machine id: {fault}")
        return self._machine_id or NONE

    # The panel

    def _is_allowed(self) -> bool:
        if self._mode is not None and self._mode.name not in self.modes:
            return False
        return not self.is_connected(Display.credit_get) or self.credit_get() >= self.min_credit_s

    def _show(self, name: str, page: Page, began_ns: int) -> bool:
        """Puts a page on the panel unless it is there already; whether it is there now."""
        self._due_ns = began_ns + self.min_refresh_s * NS_PER_S
        try:
            panel = self._opened()
            image = self._drawn(name, page, panel)
            digest = digest_of(image.mode, image.size, image.tobytes())
            if digest == self._shown.digest:
                self._due_ns = 0
                self.current_page = name
                return True
            self._refresh(panel, image, digest)
        except (OSError, ImportError) as fault:
            self._fault(fault)
            self._close()
            return False
        duration_ms = min((self.clock.now_ns() - began_ns) // NS_PER_MS, U32_MAX)
        self._refreshes += 1
        self.refreshes, self.last_refresh_ms = self._refreshes & U32_MAX, duration_ms
        self.current_page = name
        self.display_updated(name, duration_ms)
        if self.is_connected(Display.frame_out):
            packed = png_of(image)
            if len(packed) <= FRAME_SIZE_MAX:
                self.frame_out(name, packed)
        return True

    def _opened(self) -> Panel:
        if self._panel is None:
            assert self._device is not None
            self._panel = open_panel(self._device, self.platform.files, self.root)
            if not self._panel.is_lasting:
                self._shown = self._shown._replace(digest=UNKNOWN)
        return self._panel

    def _drawn(self, name: str, page: Page, panel: Panel) -> Image.Image:
        from PIL import Image as Pictures

        width, height = panel.size
        size = (height, width) if self.rotation in (90, 270) else (width, height)
        if name == TEST_PATTERN:
            image = draw_test_pattern(size, panel.colours, panel.mode)
        else:
            image = draw_page(page, size, panel.colours, panel.mode, self.font)
        turns = {
            90: Pictures.Transpose.ROTATE_90, 180: Pictures.Transpose.ROTATE_180, 270: Pictures.Transpose.ROTATE_270
        }  # fmt: skip
        return image.transpose(turns[self.rotation]) if self.rotation else image

    def _refresh(self, panel: Panel, image: Image.Image, digest: bytes) -> None:
        """First notes that the panel may show anything, so that a power cut in between cannot make it believed."""
        partials = self._shown.partials
        is_full = not panel.has_partial or self._shown.digest == UNKNOWN or partials >= self.full_every
        self._keep(self._shown._replace(digest=UNKNOWN))
        panel.show(image, is_full=is_full)
        self._keep(self._shown._replace(digest=digest, partials=0 if is_full else partials + 1))

    def _keep(self, shown: Shown) -> None:
        self._shown = shown
        self._record.write(shown)

    def _close(self) -> None:
        panel, self._panel = self._panel, None
        if panel is not None:
            try:
                panel.close()
            except OSError as fault:
                self._fault(fault)

    def _fault(self, fault: OSError | ImportError | str) -> None:
        self.display_fault(fault if isinstance(fault, str) else reason_of(fault))

    def _report(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._fault(f"{self.file}: {finding.reason}")
