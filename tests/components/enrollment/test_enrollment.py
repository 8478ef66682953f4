"""Enrolment: a device takes only a configuration that is signed for it, and comes back from one that cuts it off."""

from __future__ import annotations

import errno
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.model.state_machine import After
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake.wire.ed25519 import public_key, sign
from kittiwake.wire.enrollment_package import Enrolment, signed_package
from kittiwake_components import Enrollment
from kittiwake_components.enrollment.states import EnrollSignal, EnrollState
from kittiwake_components.ports.service import ServiceFault, result_of
from kittiwake_components.ports.supervision import CycleStep
from tests.components.power_cuts import cut_everywhere

OK, FAILED = CommandResponse.OK, CommandResponse.EXECUTION_ERROR
INBOX, KEYS, CONFIG = "/incoming/enrollment.kwe", "/keys/enrollment.keys", "/enrollment/config.json"
SEED, OTHER_SEED = bytes(32), bytes(31) + b"\x01"
MACHINE = "station-7"


@cache
def package(sequence: int = 1, machine: str = MACHINE, seed: bytes = SEED, key_id: int = 1) -> bytes:
    enrolment = Enrolment(machine, sequence, "secret-token", {"sequence": sequence})
    return signed_package(enrolment, key_id, lambda text: sign(seed, text))


def enrollment(**options: Any) -> ComponentTester[Enrollment]:
    own = {"machine_id": MACHINE, **options.pop("settings", {})}
    tester = ComponentTester(Enrollment, settings=own, **options)
    tester.write_file(KEYS, f"1 {public_key(SEED).hex()}\n".encode())
    return tester


def arrives(tester: ComponentTester[Enrollment], data: bytes) -> None:
    tester.write_file(INBOX, data)
    tester.call.config_in(INBOX)


def state(tester: ComponentTester[Enrollment]) -> EnrollState:
    found: EnrollState = tester.component.enrolment.state
    return found


def contact(tester: ComponentTester[Enrollment]) -> None:
    tester.advance(10)
    tester.call.packet_routed(0, True)


def enrolled(**options: Any) -> ComponentTester[Enrollment]:
    """One that is confirmed with configuration 1."""
    tester = enrollment(**options)
    arrives(tester, package())
    contact(tester)
    assert state(tester) is EnrollState.CONNECTED
    return tester


def config(tester: ComponentTester[Enrollment]) -> Any:
    return json.loads(tester.read_file(CONFIG))


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Enrollment) == []


def goes_on_by_itself(one: Step) -> bool:
    """Whether what is done sends the next signal at once."""
    own = (EnrollState.FETCHING, EnrollState.VERIFYING, EnrollState.RESET)
    return one.target in own or getattr(one.trigger, "do", "") in ("take_too_long", "give_up_trial", "reset")


@pytest.mark.parametrize("one", [one for one in steps_of(Enrollment.enrolment) if not goes_on_by_itself(one)], ids=str)
def test_every_state_does_at_every_signal_what_is_declared(one: Step) -> None:
    """REQ-ENR-001"""
    tester = enrollment()
    take(tester, "enrolment", one)


def test_every_state_of_passage_ends_by_itself() -> None:
    """REQ-ENR-001"""
    for step in steps_of(Enrollment.enrolment):
        if isinstance(step.trigger, After) and step.trigger.do == "take_too_long":
            tester = enrollment()
            with pytest.raises(AssertionError, match="LISTENING"):
                take(tester, "enrolment", step)


# From the factory to an enrolled device


def test_a_device_that_listens_takes_its_configuration_and_is_enrolled_once_somebody_was_heard() -> None:
    """REQ-ENR-002, REQ-ENR-003, REQ-ENR-004"""
    with enrollment() as tester:
        assert tester.send("ENROLL").response is OK
        assert state(tester) is EnrollState.LISTENING
        assert tester.ports.fetch_out == [("", MACHINE, INBOX)]
        tester.call.config_in("/incoming/another.bin")
        assert state(tester) is EnrollState.LISTENING
        arrives(tester, package())
        assert state(tester) is EnrollState.ENROLLED
        assert config(tester) == {"sequence": 1}
        assert tester.ports.config_out == [(CONFIG,)]
        tester.advance(5)
        tester.call.packet_routed(0, True)
        assert tester.events.named("EnrollDone") == [], "that packet says nothing about the new configuration"
        contact(tester)
        assert [event.args for event in tester.events.named("EnrollDone")] == [(1,)]
        assert state(tester) is EnrollState.CONNECTED
        assert not tester.files.exists(tester.root.resolve(INBOX))
        assert tester.channels["ConfigSequence"] == 1


def test_a_configuration_that_came_before_it_was_waited_for_is_found() -> None:
    """REQ-ENR-002"""
    with enrollment() as tester:
        tester.write_file(INBOX, package())
        tester.send("ENROLL")
        assert state(tester) is EnrollState.ENROLLED


def test_the_supervisor_is_answered_when_it_is_decided() -> None:
    """REQ-ENR-005"""
    with enrollment() as tester:
        tester.call.step_begin(CycleStep.ENROLL, 5)
        assert tester.ports.step_done == []
        arrives(tester, package())
        assert tester.ports.step_done == [], "awake, so that somebody can be heard"
        contact(tester)
        assert tester.ports.step_done == [(5, True, "")]
        tester.call.step_begin(CycleStep.ENROLL, 6)
        assert tester.ports.step_done[-1] == (6, True, "")


def test_on_trial_the_supervisor_waits_for_somebody_but_not_for_ever() -> None:
    """REQ-ENR-005"""
    with enrollment() as tester:
        arrives(tester, package())
        tester.crash()
        tester.call.step_begin(CycleStep.ENROLL, 5)
        tester.advance(119)
        assert tester.ports.step_done == []
        tester.advance(1)
        assert tester.ports.step_done == [(5, True, "")]
        assert state(tester) is EnrollState.ENROLLED


def test_an_enrolment_ends_in_time_and_bad_configurations_give_it_no_more() -> None:
    """REQ-ENR-005. Upstream: enrolment ran without a limit, and drained the battery."""
    with enrollment(parameters={"ENROLL_TIMEOUT_S": 100}) as tester:
        tester.call.step_begin(CycleStep.ENROLL, 5)
        for _ in range(3):
            tester.advance(30)
            arrives(tester, b"nonsense")
            assert state(tester) is EnrollState.LISTENING
        tester.advance(10)
        assert state(tester) is EnrollState.FACTORY
        assert tester.ports.step_done == [(5, False, "the device is not enrolled")]
        assert len(tester.events.named("EnrollTimeout")) == 1


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "no enrolment package"),
        (b"KWENROLL" + bytes(100), "cut off"),
        (package()[:-1], "cut off"),
        (package()[:-1] + b"\x00", "not that of key 1"),
        (package(seed=OTHER_SEED), "not that of key 1"),
        (package(key_id=2), "not known here"),
        (package(machine="station-8"), "it is for station-8"),
        (b"x" * 70_000, "large"),
    ],
)
def test_what_is_not_signed_for_this_machine_is_refused_and_kept_aside(data: bytes, reason: str) -> None:
    """REQ-ENR-003"""
    with enrollment() as tester:
        tester.send("ENROLL")
        arrives(tester, data)
        assert state(tester) is EnrollState.LISTENING
        assert reason in tester.events.named("EnrollFailed")[0].args[1]
        assert not tester.files.exists(tester.root.resolve(CONFIG))
        assert tester.read_file(INBOX + ".bad.0") == data


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda rest: package()[:40] + rest))
@settings(max_examples=50)
def test_nothing_that_comes_as_a_configuration_breaks_it(data: bytes) -> None:
    """REQ-ENR-003"""
    with enrollment() as tester:
        arrives(tester, data)
        assert state(tester) is EnrollState.LISTENING


def test_without_keys_nothing_is_taken() -> None:
    """REQ-ENR-003"""
    with enrollment(settings={"keys": "/keys/none"}) as tester:
        arrives(tester, package())
        assert "not known here" in tester.events.named("EnrollFailed")[0].args[1]


def test_a_file_that_cannot_be_taken_away_is_looked_at_once() -> None:
    """REQ-ENR-003"""
    with enrollment() as tester:
        tester.component._discard = lambda how: setattr(tester.component, "_is_stuck", True)
        arrives(tester, b"nonsense")
        tester.advance(300)
        assert len(tester.events.named("EnrollFailed")) == 1


# Trial, confirmation and the way back


def test_a_configuration_that_nobody_confirms_is_rolled_back_to_the_one_before() -> None:
    """REQ-ENR-004"""
    with enrolled() as tester:
        arrives(tester, package(2))
        assert config(tester) == {"sequence": 2}
        tester.advance(3600)
        assert state(tester) is EnrollState.DISCONNECTED
        assert tester.events.named("ConfigRolledBack")[0].args == (2, "nobody was heard")
        assert config(tester) == {"sequence": 1}
        assert not tester.files.exists(tester.root.resolve("/enrollment/config.b"))


def test_the_first_configuration_that_nobody_confirms_leaves_the_device_as_it_came() -> None:
    """REQ-ENR-004"""
    with enrollment() as tester:
        arrives(tester, package())
        tester.advance(3600)
        assert state(tester) is EnrollState.FACTORY
        assert not tester.files.exists(tester.root.resolve(CONFIG))


def test_starts_on_trial_are_counted_over_power_cuts() -> None:
    """REQ-ENR-004"""
    with enrolled(parameters={"TRIAL_STARTS": 2}) as tester:
        arrives(tester, package(2))
        for left in (1, 0):
            tester.crash()
            assert state(tester) is EnrollState.ENROLLED
            assert tester.channels["TrialStartsLeft"] == left
        tester.crash()
        assert state(tester) is EnrollState.DISCONNECTED
        assert tester.events.named("ConfigRolledBack")[0].args == (2, "its starts are used up")
        assert config(tester) == {"sequence": 1}


def test_a_bad_one_does_not_end_or_prolong_a_trial() -> None:
    """REQ-ENR-004"""
    with enrolled() as tester:
        arrives(tester, package(2))
        tester.advance(3000)
        arrives(tester, b"nonsense")
        assert state(tester) is EnrollState.ENROLLED
        tester.advance(601)
        assert state(tester) is EnrollState.DISCONNECTED


def test_an_older_configuration_is_refused_after_a_reset_too() -> None:
    """REQ-ENR-003"""
    with enrolled() as tester:
        arrives(tester, package(2))
        contact(tester)
        arrives(tester, package(1))
        assert "1 is older than 2" in tester.events.named("EnrollFailed")[-1].args[1]
        assert state(tester) is EnrollState.DISCONNECTED
        tester.send("ARM_FACTORY_RESET")
        tester.send("FACTORY_RESET")
        arrives(tester, package(1))
        assert state(tester) is EnrollState.LISTENING
        arrives(tester, package(2))
        assert state(tester) is EnrollState.ENROLLED


def test_a_damaged_configuration_on_trial_is_rolled_back_and_a_damaged_one_is_said() -> None:
    """REQ-ENR-006"""
    with enrolled() as tester:
        arrives(tester, package(2))
        tester.write_file("/enrollment/config.b", package(2)[:-1] + b"\x00")
        tester.crash()
        assert tester.events.named("ConfigRolledBack")[0].args == (0, "it is damaged")
        assert config(tester) == {"sequence": 1}
        tester.write_file("/enrollment/config.a", b"")
        tester.crash()
        assert state(tester) is EnrollState.FACTORY
        assert len(tester.events.named("ConfigDamaged")) == 1


def test_a_power_cut_at_any_file_operation_leaves_the_old_configuration_or_the_new_one() -> None:
    """REQ-ENR-006"""

    def prepared(seed: int) -> ComponentTester[Enrollment]:
        tester = enrolled(seed=seed)
        tester.write_file(INBOX, package(2))
        return tester

    def scenario(tester: ComponentTester[Enrollment], noted: list[int]) -> None:
        tester.call.config_in(INBOX)
        noted.append(2)
        contact(tester)
        noted.append(3)

    def judge(tester: ComponentTester[Enrollment], noted: list[int], ports: Any) -> None:
        found = config(tester)["sequence"]
        assert found == tester.channels["ConfigSequence"]
        assert found in ((1, 2) if not noted else (2,))
        assert state(tester) in (EnrollState.ENROLLED, EnrollState.DISCONNECTED)
        if 3 in noted:
            assert state(tester) is EnrollState.DISCONNECTED, "it was confirmed"
        assert tester.events.named("ConfigDamaged") == []
        arrives(tester, package(3))
        assert config(tester) == {"sequence": 3}

    assert cut_everywhere(prepared, scenario, judge) > 15


def test_a_power_cut_in_a_reset_leaves_the_device_enrolled_or_not() -> None:
    """REQ-ENR-006, REQ-ENR-007"""

    def scenario(tester: ComponentTester[Enrollment], noted: list[int]) -> None:
        tester.send("ARM_FACTORY_RESET")
        tester.send("FACTORY_RESET")
        noted.append(1)

    def judge(tester: ComponentTester[Enrollment], noted: list[int], ports: Any) -> None:
        there = [tester.files.exists(tester.root.resolve(name)) for name in (CONFIG, "/enrollment/config.a")]
        if state(tester) is EnrollState.FACTORY:
            assert there == [False, False], "a token was left behind"
        else:
            assert there == [True, True]
            assert not noted

    assert cut_everywhere(lambda seed: enrolled(seed=seed), scenario, judge) > 5


def test_a_disk_that_is_full_refuses_the_new_one_and_keeps_the_old() -> None:
    """REQ-ENR-006"""
    with enrolled() as tester:

        def full(*_: Any) -> Any:
            raise OSError(errno.ENOSPC, "the disk is full")

        tester.component._slots.stage = full
        arrives(tester, package(2))
        assert state(tester) is EnrollState.DISCONNECTED
        assert config(tester) == {"sequence": 1}


# Reset, contact, identity, service


def test_a_factory_reset_takes_two_steps() -> None:
    """REQ-ENR-007"""
    with enrolled() as tester:
        assert tester.send("FACTORY_RESET").response is FAILED
        tester.send("ARM_FACTORY_RESET")
        tester.advance(60)
        assert tester.send("FACTORY_RESET").response is FAILED
        tester.send("ARM_FACTORY_RESET")
        assert tester.send("FACTORY_RESET").response is OK
        assert state(tester) is EnrollState.FACTORY
        assert tester.send("FACTORY_RESET").response is FAILED
        assert not tester.files.exists(tester.root.resolve(CONFIG))
        tester.crash()
        assert state(tester) is EnrollState.FACTORY
        tester.call.step_begin(CycleStep.ENROLL, 1)
        assert state(tester) is EnrollState.LISTENING


def test_a_lost_administration_is_said_and_asked_for_less_and_less_often() -> None:
    """REQ-ENR-008. Upstream: what a disconnected device does was left open."""
    with enrolled() as tester:
        tester.advance(86_400)
        assert state(tester) is EnrollState.DISCONNECTED
        assert len(tester.events.named("AdministrationLost")) == 1
        tester.call.step_begin(CycleStep.ENROLL, 9)
        assert tester.ports.step_done[-1] == (9, True, ""), "jobs and reports go on"
        tester.ports.fetch_out.clear()
        tester.advance(3600)
        assert len(tester.ports.fetch_out) == 1
        tester.advance(7200 + 14_400)
        assert len(tester.ports.fetch_out) == 3
        tester.advance(5 * 86_400)
        assert 5 <= len(tester.ports.fetch_out) <= 10
        contact(tester)
        assert state(tester) is EnrollState.CONNECTED


def test_packets_keep_a_device_connected() -> None:
    """REQ-ENR-008"""
    with enrolled() as tester:
        for _ in range(3):
            tester.advance(80_000)
            tester.call.packet_routed(0, True)
        assert state(tester) is EnrollState.CONNECTED
        tester.crash()
        assert state(tester) is EnrollState.DISCONNECTED


def test_an_identity_is_drawn_once() -> None:
    """REQ-ENR-009"""
    with enrollment(settings={"machine_id": ""}) as tester:
        [made] = tester.events.named("IdentityMade")
        tester.crash()
        assert tester.events.named("IdentityMade") == []
        assert result_of(tester.call.call("get_machine_id", b"[]")) == made.args[0]
        assert len(made.args[0]) == 16


def test_the_service_tells_what_it_is_asked() -> None:
    """REQ-ENR-009"""
    with enrollment() as tester:
        assert result_of(tester.call.call("is_enrolled", b"[]")) is False
        assert result_of(tester.call.call("enroll_device", json.dumps([MACHINE]).encode())) == "FACTORY"
        assert state(tester) is EnrollState.LISTENING
        arrives(tester, package())
        assert result_of(tester.call.call("is_enrolled", b"[]")) is True
        assert result_of(tester.call.call("get_state", b"[]")) == {
            "machine_id": MACHINE, "state": "ENROLLED", "sequence": 1
        }  # fmt: skip
        for method, arguments in (("get_token", b"[]"), ("enroll_device", b'["other"]'), ("get_state", b"{")):
            with pytest.raises(ServiceFault):
                result_of(tester.call.call(method, arguments))
        tester.send("GET_STATE")
        assert tester.events.named("EnrollmentState")[0].args == (MACHINE, EnrollState.ENROLLED, 1)
        assert tester.send("ENROLL").response is FAILED


@given(st.lists(st.sampled_from(EnrollSignal) | st.integers(1, 90_000), max_size=12))
@settings(max_examples=60)
def test_no_run_of_signals_and_waits_breaks_it(run: list[Any]) -> None:
    """REQ-ENR-001"""
    with enrolled() as tester:
        for one in run:
            if one is EnrollSignal.ARRIVED:
                arrives(tester, package(2))
            elif one is EnrollSignal.CONTACT:
                contact(tester)
            elif one is EnrollSignal.RESET:
                tester.send("ARM_FACTORY_RESET")
                tester.send("FACTORY_RESET")
            elif one is EnrollSignal.BEGIN:
                tester.send("ENROLL")
            elif not isinstance(one, EnrollSignal):
                tester.advance(one)
        known = tester.channels["ConfigSequence"]
        assert tester.files.exists(tester.root.resolve(CONFIG)) is bool(known)
        assert not known or config(tester) == {"sequence": known}
        assert tester.component._is_done() is bool(known)
