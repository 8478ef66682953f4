"""A network of NetworkManager's, brought up and watched through `nmcli`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model import U32, Channel, Setting, String
from kittiwake.storage.root import reason_of
from kittiwake_components.bearer_adapter import BearerAdapter
from kittiwake_components.interface_traffic import InterfaceTraffic, check_interface
from kittiwake_components.network_manager_bearer import nmcli
from kittiwake_components.network_manager_bearer.nmcli import Profile
from kittiwake_components.network_manager_bearer.setup import NetworkSetup, parse_network_setup
from kittiwake_components.ports.bearer import UNKNOWN_RSSI, BearerCondition
from kittiwake_components.transfer_service.worker import WAITING, Worker

if TYPE_CHECKING:
    from collections.abc import Generator

    from kittiwake.platform.interface import Finished
    from kittiwake.runtime.loop import Timer

    Steps = Generator[bool | None, None, None]

NAME_SIZE = 64
OUTPUT_BYTES = 65_536
SPARE_S = 5.0
"""So much longer than nmcli itself means to wait it is waited for."""

FAILURES_MAX = 3
U32_MAX = 0xFFFFFFFF


class NotBrought(Exception):
    """Why a network could not be brought up, or was lost."""


def check_setup(text: str) -> None:
    """Raises `ValueError` for what is no setup."""
    parse_network_setup(text)


class NetworkManagerBearer(BearerAdapter):
    """Has NetworkManager connect, looks how the connection does, and has it disconnect.

    nmcli is run in a thread, one at a time: the loop never waits for it. Where it or NetworkManager is missing, that is
    the reason that is told, and nothing is tried again before the next order.
    """

    connection = Channel(String(NAME_SIZE), on_change=True, doc="The profile that is up; empty: none.")
    bringups = Channel(U32, on_change=True, doc="Times that it was ordered up.")

    setup = Setting(
        str, default="", check=check_setup, doc="What it is brought up with where the manager has no setup for it."
    )
    interface = Setting(str, default="", check=check_interface, doc="The interface; empty: NetworkManager's choice.")
    program = Setting(str, default="nmcli", doc="nmcli: a path, or a name on PATH.")
    connect_s = Setting(float, default=25.0, low=1.0, high=300.0, doc="For a connection to come up.")
    command_s = Setting(float, default=10.0, low=0.5, high=60.0, doc="For everything else that nmcli is asked.")
    measure_s = Setting(float, default=10.0, low=1.0, high=3600.0, doc="How often the connection is looked at.")
    degraded_dbm = Setting(int, default=-85, low=-100, high=-40, doc="Below it the bearer is degraded.")

    # Life

    def initialize(self) -> None:
        self._own = parse_network_setup(self.setup)
        self._order: NetworkSetup | None = None
        # A process before this one may have left it up.
        self._present: NetworkSetup | None = self._own
        self._is_up = self._is_raising = self._is_stepping = self._is_due = self._is_scan_asked = False
        self._interruption: Generator[Any, None, Finished] | None = None
        self._was_interrupted = False
        self._is_wireless = True
        self._failures = self._bringups = 0
        self._strength_dbm = UNKNOWN_RSSI
        self._traffic = InterfaceTraffic(self.platform.files, "")
        self._timer: Timer | None = None
        self._steps: Steps | None = None

    def start(self) -> None:
        self.show(BearerCondition.DOWN)
        self._steps = self._serve()

    def stop(self) -> None:
        self._steps = None
        if self._timer is not None:
            self._timer.cancel()

    # Orders

    def bring_up(self, setup: str) -> None:
        """Has NetworkManager connect, or tells why it cannot."""
        self._bringups = (self._bringups + 1) & U32_MAX
        self.bringups = self._bringups
        try:
            wanted = parse_network_setup(setup) if setup else self._own
            if wanted == NetworkSetup():
                raise ValueError("no setup names a connection or an ssid")
        except ValueError as fault:
            self.take_down()
            self.tell(BearerCondition.DOWN, reason=str(fault))
            return
        self._interrupt(wanted)
        self._order = wanted
        self._is_due = self._is_up  # one that is up already is looked at before that is told
        self._step()

    def take_down(self) -> None:
        """Has NetworkManager disconnect, also while it connects."""
        self._interrupt(None)
        self._order = None
        self.show(BearerCondition.DOWN)
        self._step()

    def scan(self) -> None:
        """Measures the signal; listens for it anew."""
        self._is_scan_asked = True
        self._step()

    def _interrupt(self, wanted: NetworkSetup | None) -> None:
        """Has NetworkManager give up what it is connecting, so that whoever waits for that waits no longer."""
        if self._is_raising and not self._was_interrupted and self._present is not None and wanted != self._present:
            self._was_interrupted = True
            self._interruption = self._nmcli(nmcli.lowering(self._profile(self._present)), self.command_s)
            next(self._interruption)  # begins beside the nmcli that waits

    # The one thing after the other

    def _step(self) -> None:
        """Goes on until something has to be waited for."""
        if self._is_stepping:
            return
        self._is_stepping = True
        try:
            if self._steps is not None:
                next(self._steps)
        finally:
            self._is_stepping = False

    def _serve(self) -> Steps:
        while True:
            if self._interruption is not None:
                yield from self._end_interruption(self._interruption)
            elif self._present is not None and self._order != self._present:
                yield from self._disconnect(self._present)
            elif self._order is not None and not self._is_up:
                yield from self._connect(self._order)
            elif self._is_scan_asked:
                yield from self._scan()
            elif self._is_up and self._is_due:
                yield from self._look()
            else:
                yield WAITING

    def _end_interruption(self, interruption: Generator[Any, None, Finished]) -> Steps:
        """Waits for its end: it would interrupt what is brought up next as well."""
        self._interruption = None
        try:
            yield from interruption
        except OSError:
            pass  # whatever is left of it is looked after by what comes next

    def _nmcli(self, arguments: list[str], time_limit_s: float, given: bytes = b"") -> Generator[Any, None, Finished]:
        """Runs it. Raises `OSError`."""
        worker = Worker(self._context.loop, self._step, self.platform, "nmcli")
        programs = self.platform.programs
        command = [self.program, *arguments]
        return (
            yield from worker.call(
                lambda: programs.run(command, given=given, time_limit_s=time_limit_s, limit=OUTPUT_BYTES),
                time_limit_s + SPARE_S,
            )
        )

    def _profile(self, setup: NetworkSetup) -> Profile:
        return Profile(setup.connection or f"kittiwake-{self.interface or 'wifi'}", is_own=not setup.connection)

    # Up

    def _connect(self, setup: NetworkSetup) -> Steps:
        self._present = setup
        self._was_interrupted = False
        try:
            yield from self._raise(setup)
        except (OSError, NotBrought) as fault:
            if isinstance(fault, FileNotFoundError):
                self._present = None  # without nmcli there is nothing to disconnect
            # One that was ordered down and up again meanwhile failed for that, and is tried anew.
            if self._order == setup and not self._was_interrupted:
                self._fail(str(fault) if isinstance(fault, NotBrought) else self._reason_of(fault))
            return
        if self._order == setup:
            self._came_up(setup)

    def _raise(self, setup: NetworkSetup) -> Steps:
        profile = self._profile(setup)
        if profile.is_own:
            yield from self._nmcli(nmcli.removing(profile), self.command_s)
            yield from self._done(nmcli.making(setup, profile, self.interface), self.command_s)
        arguments, secrets = nmcli.raising(setup, profile, self.interface, self.connect_s)
        self._is_raising = True
        try:
            yield from self._done(arguments, self.connect_s + SPARE_S, secrets)
        finally:
            self._is_raising = False
        yield from self._see(setup)

    def _done(self, arguments: list[str], time_limit_s: float, given: bytes = b"") -> Generator[Any, None, Finished]:
        finished = yield from self._nmcli(arguments, time_limit_s, given)
        if finished.status:
            raise NotBrought(nmcli.why(finished))
        return finished

    def _see(self, setup: NetworkSetup) -> Steps:
        """Looks whether it is up, on which interface, and how strong its signal is. Raises `NotBrought`, `OSError`."""
        shown = nmcli.properties((yield from self._done(nmcli.showing(self._profile(setup)), self.command_s)).output)
        if shown.get("GENERAL.STATE") != nmcli.ACTIVATED:
            raise NotBrought("NetworkManager has ended the connection")
        if not self._is_up:
            self._begin_traffic(shown.get("GENERAL.DEVICES", "").partition(",")[0])
        if self._is_wireless:
            heard = yield from self._nmcli(nmcli.measuring(self.interface, is_anew=False), self.command_s)
            self._is_wireless = heard.status != nmcli.NOT_THERE
            self._strength_dbm = nmcli.strength_dbm(heard.output)

    def _begin_traffic(self, device: str) -> None:
        try:
            check_interface(device)
        except ValueError:
            device = ""
        self._traffic = InterfaceTraffic(self.platform.files, device)
        self._traffic.begin()

    def _came_up(self, setup: NetworkSetup) -> None:
        self._is_up = True
        self._failures = 0
        self.connection = self._profile(setup).name[:NAME_SIZE]
        self._look_later()
        self._tell_present()

    def _look_later(self) -> None:
        self._is_due = False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.call_after(self.measure_s, self._look_now)

    def _look_now(self) -> None:
        self._is_due = True
        self._step()

    def _look(self) -> Steps:
        setup = self._present
        assert setup is not None
        try:
            yield from self._see(setup)
        except NotBrought as fault:
            self._lose(setup, str(fault))
            return
        except OSError as fault:
            # A machine that is busy is no reason to end a connection.
            self._failures += 1
            if self._failures >= FAILURES_MAX:
                self._lose(setup, self._reason_of(fault))
                return
        else:
            self._failures = 0
        if self._order == setup:
            self._look_later()
            self.tell_traffic(*self._traffic.since_last())
            self._tell_present()

    def _lose(self, setup: NetworkSetup, reason: str) -> None:
        if self._order == setup:
            self._fail(reason)

    # Down

    def _fail(self, reason: str) -> None:
        """It is down; before the next order nothing is tried but to disconnect what is left."""
        self._order = None
        self.tell(BearerCondition.DOWN, reason=reason)

    def _disconnect(self, setup: NetworkSetup) -> Steps:
        profile = self._profile(setup)
        self._end()
        try:
            yield from self._nmcli(nmcli.lowering(profile), self.command_s)
            if profile.is_own:
                yield from self._nmcli(nmcli.removing(profile), self.command_s)
        except OSError:
            pass  # there is nobody whom to ask, and the next order will tell why
        if self._present is setup:
            self._present = None

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_up:
            self.tell_traffic(*self._traffic.since_last())
        self._is_up = self._is_due = False
        self._is_wireless = True
        self._strength_dbm = UNKNOWN_RSSI
        self.connection = ""

    # What is told

    def _scan(self) -> Steps:
        self._is_scan_asked = False
        reason = "it is not wanted"
        strength_dbm = UNKNOWN_RSSI
        ssid = (self._present or self._own).ssid
        try:
            heard = yield from self._nmcli(nmcli.measuring(self.interface, is_anew=True), self.connect_s)
            strength_dbm = nmcli.strength_dbm(heard.output, ssid)
            if heard.status:
                reason = nmcli.why(heard)
        except OSError as fault:
            reason = self._reason_of(fault)
        if self._is_up:
            self._strength_dbm = strength_dbm
            self._tell_present()
        elif self._order is None:
            self.tell(BearerCondition.DOWN, strength_dbm, reason)

    def _tell_present(self) -> None:
        is_weak = self._strength_dbm != UNKNOWN_RSSI and self._strength_dbm < self.degraded_dbm
        self.tell(BearerCondition.DEGRADED if is_weak else BearerCondition.UP, self._strength_dbm)

    def _reason_of(self, fault: OSError) -> str:
        if isinstance(fault, FileNotFoundError):
            return f"{self.program} is not there: NetworkManager is not installed"
        if isinstance(fault, TimeoutError):
            return "nmcli took too long, and was ended"
        return f"nmcli: {reason_of(fault)}"
