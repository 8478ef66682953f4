"""The bearers of a device, each a state machine: ordered up and down, failing, and left alone for a while."""

from __future__ import annotations

from kittiwake.model import (
    F32,
    U16,
    U32,
    After,
    Channel,
    On,
    OutputPortArray,
    Parameter,
    Setting,
    State,
    StateMachineArray,
)
from kittiwake_components.connexion_manager.backoff import backoff_s
from kittiwake_components.connexion_manager.reports import NAME_SIZE, ConnexionReports
from kittiwake_components.connexion_manager.states import BearerSignal, BearerState, BearerStates
from kittiwake_components.ports.bearer import BEARERS, UNKNOWN_RSSI, BearerControl, BearerOrder

U32_MAX = 0xFFFFFFFF


def check_bearers(names: list[str]) -> None:
    """Raises `ValueError` unless these can be the names of the bearers."""
    if not 1 <= len(names) <= BEARERS or len(set(names)) < len(names):
        raise ValueError(f"1 to {BEARERS} different names are wanted, not {names}")
    if any(not name or "," in name or len(name.encode()) > NAME_SIZE for name in names):
        raise ValueError(f"a name has 1 to {NAME_SIZE} bytes and no comma")


class ManagedBearers(ConnexionReports):
    """The machines of the bearers and what they do; which of them are wanted is for the class built on it to say.

    `failures` counts those in a row by bearer, `strengths_dbm` is the last signal of each.
    """

    failures: list[int]
    strengths_dbm: list[int]
    _attempts: int
    _wait_s: float
    _is_review_queued: bool

    bearer = StateMachineArray(
        BEARERS,
        BearerState,
        BearerSignal,
        State(
            BearerState.DOWN,
            On(BearerSignal.WANTED, BearerState.BRINGUP),
            On(BearerSignal.CAME_UP, do="order_down"),
            On(BearerSignal.WORSENED, do="order_down"),
            entry="order_down",
        ),
        State(
            BearerState.BRINGUP,
            On(BearerSignal.UNWANTED, BearerState.DOWN),
            On(BearerSignal.CAME_UP, BearerState.UP, do="note_up"),
            On(BearerSignal.WORSENED, BearerState.DEGRADED, do="note_up"),
            On(BearerSignal.LOST, BearerState.BACKOFF, do="note_failure"),
            After("bringup_timeout_s", BearerState.BACKOFF, do="note_timeout"),
            entry="order_up",
        ),
        State(
            BearerState.UP,
            On(BearerSignal.UNWANTED, BearerState.DOWN),
            On(BearerSignal.WORSENED, BearerState.DEGRADED),
            On(BearerSignal.LOST, BearerState.BACKOFF, do="note_failure"),
            On(BearerSignal.SILENT, BearerState.BACKOFF, do="note_silence"),
        ),
        State(
            BearerState.DEGRADED,
            On(BearerSignal.UNWANTED, BearerState.BACKOFF, do="note_replaced"),
            On(BearerSignal.CAME_UP, BearerState.UP),
            On(BearerSignal.LOST, BearerState.BACKOFF, do="note_failure"),
            On(BearerSignal.SILENT, BearerState.BACKOFF, do="note_silence"),
        ),
        State(
            BearerState.BACKOFF,
            On(BearerSignal.CAME_UP, do="order_down"),
            On(BearerSignal.WORSENED, do="order_down"),
            After("backoff_left_s", BearerState.DOWN),
            entry="order_down",
        ),
        anywhere=[On(BearerSignal.RESET, BearerState.DOWN)],
        changed="note_change",
        doc="Each of the bearers.",
    )

    control = OutputPortArray(BearerControl, BEARERS, doc="Orders for the adapter of each bearer.")

    attempts = Channel(U32, on_change=True, doc="Times that a bearer was brought up since the start.")
    bearer_states = Channel(BearerStates, on_change=True, doc="Where each bearer stands.")

    bringup_timeout_s = Parameter(U16, default=30, low=1, high=3600, unit="s", doc="For a bearer to come up.")
    backoff_min_s = Parameter(U16, default=5, low=1, high=3600, unit="s", doc="The first wait after a failure.")
    backoff_max_s = Parameter(U32, default=3600, low=1, high=86400, unit="s", doc="The longest one.")
    jitter = Parameter(F32, default=0.2, low=0.0, high=0.9, doc="The share of a wait that chance moves.")
    silence_limit_s = Parameter(
        U32, default=3600, low=0, high=604_800, unit="s", doc="Up so long without contact is a failure; 0: never."
    )

    bearers = Setting(list[str], default=["wifi"], check=check_bearers, doc="Names, by the number of the port.")

    def setup_of(self, index: int) -> str:
        """What a bearer is to be brought up with."""
        raise NotImplementedError

    def bearer_came_up(self) -> None:
        """A bearer came up."""
        raise NotImplementedError

    def review(self) -> None:
        """Chooses anew which bearers are wanted."""
        raise NotImplementedError

    def ask_for_review(self) -> None:
        """Has the choice made anew, after the present message."""
        if not self._is_review_queued:
            self._is_review_queued = True
            self.review()

    def order_up(self, index: int) -> None:
        """Has the adapter bring its bearer up; with the setup that is in force."""
        self._attempts = (self._attempts + 1) & U32_MAX
        self.attempts = self._attempts
        self.order_adapter(index, BearerOrder.BRING_UP, self.setup_of(index))

    def order_down(self, index: int) -> None:
        """Has the adapter take its bearer down, or give up bringing it up."""
        self.order_adapter(index, BearerOrder.TAKE_DOWN, "")

    def order_adapter(self, index: int, order: BearerOrder, setup: str) -> None:
        """Gives an order to a bearer's adapter."""
        if self.is_connected(ManagedBearers.control, index):
            self.control[index](order, setup)

    def note_up(self, index: int) -> None:
        """A bearer came up; that it is good is not known before there was contact."""
        self.bearer_came_up()
        self.link_up_reported(self.bearers[index])

    def note_timeout(self, index: int) -> None:
        """A bearer did not come up in time."""
        self.note_failure(index, f"it did not come up in {self.bringup_timeout_s} s")

    def note_silence(self, index: int) -> None:
        """A bearer was up for long, and nobody was heard: another one is given as long."""
        self.note_failure(index, f"no contact in {self.silence_limit_s} s", self.silence_limit_s)

    def note_replaced(self, index: int) -> None:
        """A bearer that was bad is left for another one."""
        self.note_failure(index, "it was degraded")

    def note_failure(self, index: int, reason: str, at_least_s: float = 0.0) -> None:
        """A bearer failed: it is left alone, for twice as long each time until there is contact over it."""
        self.failures[index] += 1
        self.strengths_dbm[index] = UNKNOWN_RSSI
        chance = self.platform.random.uniform(-1.0, 1.0)
        wait_s = backoff_s(self.failures[index], chance, self.backoff_min_s, self.backoff_max_s, self.jitter)
        self._wait_s = max(wait_s, min(at_least_s, self.backoff_max_s))
        self.link_down_reported(self.bearers[index], reason, round(self._wait_s))

    def backoff_left_s(self, index: int) -> float:
        """How long it is left alone; the failure was noted just before."""
        return self._wait_s

    def note_change(self, index: int, before: BearerState, after: BearerState) -> None:
        """What follows for the other bearers is seen to once this one has settled."""
        states = [machine.state for machine in self.bearer]
        self.bearer_states = tuple(states)
        self.ask_for_review()
