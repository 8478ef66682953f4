"""A bearer that exists nowhere else: it takes its time, fails, fades and breaks as it was declared."""

from __future__ import annotations

from kittiwake.model import (
    ACTIVITY_HI,
    F32,
    U32,
    Channel,
    On,
    OutputPortArray,
    Parameter,
    Setting,
    State,
    StateMachine,
    command,
    event,
    sync_port,
)
from kittiwake.model.state_machine import After
from kittiwake.platform.interface import NS_PER_S
from kittiwake_components.bearer_adapter import BearerAdapter
from kittiwake_components.ports.bearer import SETUP_SIZE, UNKNOWN_RSSI, BearerCondition, BearerTraffic
from kittiwake_components.ports.link import LinkState, LinkStatus
from kittiwake_components.simulated_bearer.medium import Medium, parse_windows
from kittiwake_components.simulated_bearer.states import SimulatedSignal, SimulatedState

LISTENERS = 4
WEAKEST_DBM, STRONGEST_DBM = -200, 100
_CARRYING = (SimulatedState.UP, SimulatedState.DEGRADED)
_CONDITIONS = {SimulatedState.UP: BearerCondition.UP, SimulatedState.DEGRADED: BearerCondition.DEGRADED}


def check_windows(texts: list[str]) -> None:
    """Raises `ValueError` for what are no windows."""
    parse_windows(texts)


def check_setups(setups: list[str]) -> None:
    """Raises `ValueError` for a setup that no order can carry."""
    if any(len(setup.encode()) > SETUP_SIZE for setup in setups):
        raise ValueError(f"a setup has at most {SETUP_SIZE} bytes")


class SimulatedBearer(BearerAdapter):
    """Plays a bearer for simulations, drills, and tests of whole deployments.

    It opens and shuts the deployment's link (`link_out`), so that the ground hears nothing while no bearer is up.
    """

    machine = StateMachine(
        SimulatedState,
        SimulatedSignal,
        State(SimulatedState.DOWN, On(SimulatedSignal.ORDERED_UP, SimulatedState.BRINGUP), entry="shut"),
        State(
            SimulatedState.BRINGUP,
            On(SimulatedSignal.ORDERED_DOWN, SimulatedState.DOWN),
            On(SimulatedSignal.GOOD, SimulatedState.UP),
            On(SimulatedSignal.WEAK, SimulatedState.DEGRADED),
            On(SimulatedSignal.GONE, SimulatedState.DOWN, do="tell_down"),
            After("bringup_s", do="end_bringup"),
        ),
        State(
            SimulatedState.UP,
            On(SimulatedSignal.ORDERED_UP, do="tell_present"),
            On(SimulatedSignal.ORDERED_DOWN, SimulatedState.DOWN),
            On(SimulatedSignal.GOOD, do="tell_present"),
            On(SimulatedSignal.WEAK, SimulatedState.DEGRADED),
            On(SimulatedSignal.GONE, SimulatedState.DOWN, do="tell_down"),
            After("measure_s", do="measure"),
            entry="open",
        ),
        State(
            SimulatedState.DEGRADED,
            On(SimulatedSignal.ORDERED_UP, do="tell_present"),
            On(SimulatedSignal.ORDERED_DOWN, SimulatedState.DOWN),
            On(SimulatedSignal.GOOD, SimulatedState.UP),
            On(SimulatedSignal.WEAK, do="tell_present"),
            On(SimulatedSignal.GONE, SimulatedState.DOWN, do="tell_down"),
            After("measure_s", do="measure"),
            entry="open",
        ),
        doc="The bearer.",
    )

    link_out = OutputPortArray(LinkStatus, LISTENERS, doc="Whether the bearer carries: to the link, or who else sends.")

    bringups = Channel(U32, on_change=True, doc="Times that it was ordered up.")

    bringup_s = Parameter(F32, default=3.0, low=0.1, high=3600.0, unit="s", doc="How long it takes to come up.")
    failure_chance = Parameter(F32, default=0.0, low=0.0, high=1.0, doc="The share of bring-ups that fail.")

    signal_dbm = Setting(int, default=-70, low=WEAKEST_DBM, high=STRONGEST_DBM, doc="The strength of its signal.")
    spread_db = Setting(int, default=3, low=0, high=50, doc="So much more or less, by chance.")
    fade_db = Setting(int, default=30, low=0, high=200, doc="So much less in a fade.")
    degraded_dbm = Setting(
        int, default=-95, low=WEAKEST_DBM, high=STRONGEST_DBM, doc="Below it the bearer is degraded."
    )
    fades = Setting(
        list[str], default=[], check=check_windows, doc="When its signal fades: BEGIN-END in seconds since the start."
    )
    outages = Setting(list[str], default=[], check=check_windows, doc="When it carries nothing, likewise.")
    period_s = Setting(float, default=0.0, low=0.0, high=31_536_000.0, doc="Both come again so often; 0: they do not.")
    mean_up_s = Setting(
        float, default=0.0, low=0.0, high=31_536_000.0, doc="Time to an outage by chance; 0: none comes."
    )
    mean_outage_s = Setting(float, default=0.0, low=0.0, high=31_536_000.0, doc="How long such an outage lasts.")
    measure_s = Setting(float, default=5.0, low=0.1, high=3600.0, doc="How often it is looked at while it is up.")
    setups = Setting(
        list[str], default=[], check=check_setups, doc="Setups that it comes up with, besides the empty one; []: any."
    )

    @event(ACTIVITY_HI, "The simulated bearer carries nothing for {seconds} s")
    def outage_ordered(self, seconds: U32) -> None: ...

    # Life

    def initialize(self) -> None:
        self._began_ns = self.clock.now_ns()
        self._medium = Medium(
            self.platform.random, parse_windows(self.outages), parse_windows(self.fades), self.period_s,
            self.mean_up_s, self.mean_outage_s,
        )  # fmt: skip
        self._setup = ""
        self._signal_dbm = UNKNOWN_RSSI
        self._reason = ""
        self._bringups = 0
        self._has_carried = False

    def start(self) -> None:
        self.show(BearerCondition.DOWN)
        self.machine.start()

    def stop(self) -> None:
        self.take_down()

    # Orders

    def bring_up(self, setup: str) -> None:
        """Comes up in its time, or says why not."""
        self._setup = setup
        self._bringups = (self._bringups + 1) & 0xFFFFFFFF
        self.bringups = self._bringups
        self.machine.send(SimulatedSignal.ORDERED_UP)

    def take_down(self) -> None:
        """Goes down at once."""
        self.show(BearerCondition.DOWN)
        self.machine.send(SimulatedSignal.ORDERED_DOWN)

    def scan(self) -> None:
        """Measures the signal."""
        if self.machine.state in _CARRYING:
            self.measure()
        elif self.machine.state is SimulatedState.DOWN:
            self._look()
            self.tell(BearerCondition.DOWN, self._signal_dbm, "it is not wanted")

    @command
    def outage(self, seconds: U32) -> None:
        """Has it carry nothing for so long, for a drill; 0 ends that."""
        self._medium.break_until(self._at_s() + seconds)
        self.outage_ordered(seconds)
        if self.machine.state in _CARRYING:
            self.measure()

    # The medium

    def _at_s(self) -> float:
        return (self.clock.now_ns() - self._began_ns) / NS_PER_S

    def _look(self) -> bool:
        """Measures the signal; whether there is one."""
        at_s = self._at_s()
        if self._medium.is_out(at_s):
            self._signal_dbm, self._reason = UNKNOWN_RSSI, "there is no signal"
            return False
        spread_db = self.platform.random.uniform(-self.spread_db, self.spread_db)
        fade_db = self.fade_db if self._medium.is_faded(at_s) else 0
        self._signal_dbm, self._reason = round(self.signal_dbm + spread_db) - fade_db, ""
        return True

    def end_bringup(self) -> None:
        """Its time is over: it is up, or has failed."""
        if self.setups and self._setup and self._setup not in self.setups:
            self._reason = "nobody answers to this setup"
        elif self.platform.random.uniform(0.0, 1.0) < self.failure_chance:
            self._reason = "the bring-up failed"
        else:
            self.measure()
            return
        self._signal_dbm = UNKNOWN_RSSI
        self.machine.send(SimulatedSignal.GONE)

    def measure(self) -> None:
        """Looks how the medium is."""
        if not self._look():
            self.machine.send(SimulatedSignal.GONE)
        elif self._signal_dbm < self.degraded_dbm:
            self.machine.send(SimulatedSignal.WEAK)
        else:
            self.machine.send(SimulatedSignal.GOOD)

    # What is told

    def shut(self) -> None:
        """Nothing goes over it."""
        self._tell_link(LinkState.DOWN)

    def open(self) -> None:
        """It carries, well or badly; whoever sends is told before the manager brings a better one up."""
        self._has_carried = True
        self._tell_link(LinkState.UP)
        self.tell_present()

    def tell_present(self) -> None:
        """Tells how it is."""
        self.tell(_CONDITIONS[self.machine.state], self._signal_dbm)

    def tell_down(self) -> None:
        """Tells that it failed, and why."""
        self.tell(BearerCondition.DOWN, self._signal_dbm, self._reason)

    def _tell_link(self, state: LinkState) -> None:
        for listener in range(LISTENERS):
            if self.is_connected(SimulatedBearer.link_out, listener):
                self.link_out[listener](state)

    @sync_port(BearerTraffic)
    def traffic_in(self, sent_bytes: int, received_bytes: int) -> None:
        """So much went over the deployment's link since it said so last: over this bearer, if it was up meanwhile."""
        if self._has_carried:
            self._has_carried = self.machine.state in _CARRYING
            self.tell_traffic(sent_bytes, received_bytes)
