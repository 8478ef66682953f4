"""The configuration in force: the good one, or a candidate on trial that is given up unless it leads to contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.connexion_manager.configuration import Configuration, ConfigurationRecords, Trial
from kittiwake_components.mode_manager.watches import Silence
from kittiwake_components.save_schedule import SaveSchedule

if TYPE_CHECKING:
    from kittiwake.storage.finding import Finding

LONGEST_SAVE_INTERVAL_S = 60


class ConfigurationTrial:
    """Keeps both configurations. Methods that write raise `OSError`; what is in force is as they left it in memory.

    The time of a trial counts over restarts: a candidate under which the device does not live long is given up too.
    """

    def __init__(self, records: ConfigurationRecords, initial: Configuration) -> None:
        self._records = records
        self._good = initial
        self._candidate: Configuration | None = None
        self._silence = Silence(0, 0)
        self._schedule = SaveSchedule(LONGEST_SAVE_INTERVAL_S)
        self._had_bearer = False

    @property
    def in_force(self) -> Configuration:
        """What is to be used now."""
        return self._good if self._candidate is None else self._candidate

    @property
    def is_on(self) -> bool:
        """Whether a candidate is on trial."""
        return self._candidate is not None

    def recall(self, now_ns: int) -> tuple[Finding, ...]:
        """Goes on where the last start ended; what was found wrong. Raises `OSError`."""
        good, trial, findings = self._records.read()
        if good is not None:
            self._good = good
        if trial is not None:
            self._take(trial, now_ns)
        return findings

    def _take(self, trial: Trial, now_ns: int) -> None:
        self._candidate = trial.candidate
        self._silence = Silence(trial.lasted_us, now_ns)
        self._schedule.begin(now_ns)
        self._had_bearer = False

    def begin(self, candidate: Configuration, now_ns: int) -> None:
        """Puts a candidate on trial; it is durable before it is in force."""
        trial = Trial(candidate, 0)
        self._records.write_candidate(trial)
        self._take(trial, now_ns)

    def bearer_came_up(self) -> None:
        """A bearer came up under what is in force; contact before that is no evidence for a candidate."""
        self._had_bearer = True

    def has_proved(self) -> bool:
        """Whether contact now speaks for the candidate."""
        return self.is_on and self._had_bearer

    def confirm(self) -> None:
        """The candidate is the good one from now on; where that cannot be saved the trial goes on."""
        if self._candidate is not None:
            self._records.keep(self._candidate)
            self._good, self._candidate = self._candidate, None

    def lasted_s(self, now_ns: int) -> float:
        """How long the trial has lasted."""
        return self._silence.lasted_us(now_ns) / 1e6

    def roll_back(self) -> None:
        """Gives the candidate up; in memory even where that cannot be saved, and then again after the next start."""
        self._candidate = None
        self._records.forget_candidate()

    def save_if_due(self, now_ns: int) -> None:
        """Saves now and then how long the trial has lasted."""
        if self._candidate is not None and self._schedule.is_due(now_ns):
            self.save(now_ns)

    def save(self, now_ns: int) -> None:
        """Saves how long the trial has lasted."""
        if self._candidate is not None:
            self._records.write_candidate(Trial(self._candidate, self._silence.lasted_us(now_ns)))
