"""Explanations, from a running deployment and from its files alone: the same cause where both can know it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kittiwake.cli.explain import explain
from kittiwake.explain.evidence import Evidence, kept_packets
from kittiwake.explain.explanation import Verdict
from kittiwake.runtime.inspection import snapshot
from kittiwake.runtime.wiring import Entries
from kittiwake.testing.simulated import ROOT, SimulatedDeployment
from kittiwake_components.ports.link import LinkState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

TOPOLOGY = Path(__file__).with_name("guarded.yaml")


class Case:
    """A simulated deployment, asked."""

    def __init__(self, simulated: SimulatedDeployment) -> None:
        self.simulated = simulated

    def evidence(self, *, files_only: bool = False) -> Evidence:
        taken = None if files_only else snapshot(self.simulated.deployment, None)
        return Evidence(self.simulated.dictionary, self.simulated.events(), taken)

    def ask(self, question: str, name: str = "", *, files_only: bool = False) -> tuple[Verdict, str, str]:
        found = explain(self.evidence(files_only=files_only), question, name)
        return found.verdict, found.answer, "\n".join(found.chain)


@pytest.fixture
def case() -> Iterator[Case]:
    with SimulatedDeployment(TOPOLOGY) as simulated:
        simulated.run_for(5)
        yield Case(simulated)


def test_nothing_is_late_safe_or_refused_where_all_is_well(case: Case) -> None:
    for files_only in (False, True):
        for question in ("late", "safe", "refused"):
            assert case.ask(question, files_only=files_only)[0] is Verdict.NOT_SO
    assert case.ask("late", "Guarded.dawdler")[0] is Verdict.NOT_SO


def test_late_names_the_member_that_takes_too_long(case: Case) -> None:
    case.simulated.send("Guarded.dawdler.DAWDLE", "2")
    case.simulated.run_for(10)
    verdict, answer, chain = case.ask("late")
    assert verdict is Verdict.EXPLAINED
    assert answer == "Guarded.cycle is late: its member Guarded.dawdler.run took 2000000 us"
    assert "Guarded.cycle.RateGroupCycleSlip: Rate group cycle slipped on cycle" in chain
    assert case.ask("late", "Guarded.dawdler")[0] is Verdict.EXPLAINED
    verdict, answer, chain = case.ask("late", files_only=True)
    assert (verdict, answer) == (Verdict.EXPLAINED, "Guarded.cycle.cycle_in took 2000000 us")
    assert "RateGroupCycleSlip" in chain


def test_late_names_who_held_the_loop(case: Case) -> None:
    dawdler: Any = case.simulated.instance("Guarded.dawdler")
    work = Entries(case.simulated.deployment).call(dawdler, "work", 0, dawdler._context)
    for _ in range(6):
        work(3)
    case.simulated.run_for(10)
    verdict, answer, chain = case.ask("late")
    assert (verdict, answer) == (
        Verdict.EXPLAINED,
        "Guarded.cycle is late: Guarded.dawdler held its loop for 3000000 us",
    )
    assert "HandlerSlow: Guarded.dawdler.work took 3000000 us" in chain
    verdict, answer, chain = case.ask("late", "Guarded.dawdler")
    assert "2 messages for Guarded.dawdler.work found its queue of 4 full" in chain
    with pytest.raises(ValueError, match="no instance"):
        case.ask("late", "Guarded.nobody")


def test_silent_by_a_throttle(case: Case) -> None:
    case.simulated.send("Guarded.dawdler.CHAT", "10")
    case.simulated.run_for(70)
    verdict, answer, chain = case.ask("silent", "Guarded.dawdler.Chatter")
    assert (verdict, answer) == (
        Verdict.EXPLAINED,
        "Guarded.dawdler.Chatter is silent: its throttle lets 3 in 600 s pass, and held 7 back",
    )
    assert "held back 7 times since the start" in chain
    verdict, answer, _ = case.ask("silent", "Guarded.dawdler.Chatter", files_only=True)
    assert (verdict, answer) == (Verdict.EXPLAINED, "Guarded.dawdler.Chatter is silent: its throttle held 7 back")


def test_silent_by_a_filter(case: Case) -> None:
    verdict, answer, _ = case.ask("silent", "Guarded.dawdler.Whisper")
    assert (verdict, answer) == (
        Verdict.EXPLAINED, "Guarded.dawdler.Whisper is silent: the filter of DIAGNOSTIC is on",
    )  # fmt: skip
    unheard = case.simulated.dictionary.event("Guarded.dawdler.Unheard").id
    case.simulated.send("CdhCore.events.SET_ID_FILTER", str(unheard), "ENABLED")
    case.simulated.run_for(2)
    for files_only in (False, True):
        verdict, answer, chain = case.ask("silent", "Guarded.dawdler.Unheard", files_only=files_only)
        assert (verdict, answer) == (
            Verdict.EXPLAINED, "Guarded.dawdler.Unheard is silent: the filter of its id is on",
        )  # fmt: skip
        assert f"ID 0x{unheard:x} is filtered" in chain


def test_silent_by_a_telemetry_level_or_for_want_of_a_packet_or_a_value(case: Case) -> None:
    said = {name: case.ask("silent", f"Guarded.dawdler.{name}")[:2] for name in ("Turns", "Never", "Left", "Steady")}
    assert said["Turns"][1].endswith("is silent: its packet's level is 3, and the send level 1")
    assert said["Never"][1].endswith("is silent: nobody has written it")
    assert said["Left"][1].endswith("is silent: it is in no telemetry packet")
    assert {verdict for verdict, _ in said.values()} == {Verdict.EXPLAINED}
    assert case.ask("silent", "Guarded.dawdler.Left", files_only=True)[1].endswith("it is in no telemetry packet")
    case.simulated.run_for(100)
    assert case.ask("silent", "Guarded.dawdler.Steady")[1].endswith("it has not changed, and is sent on change")


def test_silent_by_the_link(case: Case) -> None:
    verdict, answer, _ = case.ask("silent", "Guarded.modes.CommandLossRemaining")
    assert (verdict, answer) == (
        Verdict.EXPLAINED, "Guarded.modes.CommandLossRemaining is silent: the link has no address",
    )  # fmt: skip
    settings = {"ComCcsds.link": {"url": "tcp-listen://127.0.0.1:5000"}}
    with SimulatedDeployment(TOPOLOGY, settings=settings) as simulated:
        simulated.run_for(5)
        channel = "Guarded.modes.CommandLossRemaining"
        assert Case(simulated).ask("silent", channel)[1].endswith("the link is down")
        link: Any = simulated.instance("ComCcsds.link")
        link.gate_in(LinkState.DOWN)
        assert Case(simulated).ask("silent", channel)[1].endswith("the link's gate is shut")


def test_an_instance_that_is_set_aside_is_silent_for_that(case: Case) -> None:
    assert case.ask("silent", "Guarded.dawdler")[1].endswith("the link has no address")
    case.simulated.send("CdhCore.health.HLTH_QUARANTINE", "Guarded.dawdler")
    case.simulated.run_for(5)
    for files_only in (False, True):
        verdict, answer, _ = case.ask("silent", "Guarded.dawdler", files_only=files_only)
        assert (verdict, answer) == (
            Verdict.EXPLAINED, "Guarded.dawdler is silent: Guarded.dawdler is set aside",
        )  # fmt: skip


def test_a_name_that_is_nothing_is_refused_with_the_nearest(case: Case) -> None:
    with pytest.raises(ValueError, match=r"did you mean Guarded\.dawdler\.Chatter\?"):
        case.ask("silent", "Guarded.dawdler.Chater")


def test_safe_tells_the_chain_of_events_that_led_to_it(case: Case) -> None:
    case.simulated.send("Guarded.dawdler.FAIL")
    case.simulated.run_for(3)
    case.simulated.crash()  # nobody has announced the end: the next start is a safe one
    case.simulated.run_for(5)
    for files_only in (False, True):
        verdict, answer, chain = case.ask("safe", files_only=files_only)
        assert (verdict, answer) == (Verdict.EXPLAINED, "it is safe: The last start ended without notice")
        assert chain.index("HandlerFailed") < chain.index("UnintendedRebootDetected") < chain.index("EnteringSafeMode")
    case.simulated.send("Guarded.modes.EXIT_SAFE_MODE")
    case.simulated.run_for(2)
    for files_only in (False, True):
        assert case.ask("safe", files_only=files_only)[0] is Verdict.NOT_SO
    case.simulated.send("Guarded.modes.FORCE_SAFE_MODE")
    case.simulated.run_for(2)
    verdict, answer, _ = case.ask("safe")
    assert (verdict, answer) == (Verdict.EXPLAINED, "it is safe: Safe mode by command")


@pytest.mark.parametrize(
    "command, arguments, why",
    [
        ("Guarded.dawdler.REFUSE", [], "the moon is in the wrong house"),
        ("Guarded.dawdler.FAIL", [], "ZeroDivisionError: by nothing (dawdler.py:"),
        ("CdhCore.events.SET_ID_FILTER", ["16777217", "ENABLED"], "FATAL and COMMAND events cannot be held back"),
        ("CdhCore.health.HLTH_PING_ENABLE", ["nobody", "ENABLED"], 'Couldn\'t find entry "nobody"'),
    ],
)
def test_refused_names_the_check(case: Case, command: str, arguments: list[str], why: str) -> None:
    case.simulated.send(command, *arguments)
    case.simulated.run_for(2)
    for name in ("", command):
        for files_only in (False, True):
            verdict, answer, chain = case.ask("refused", name, files_only=files_only)
            assert verdict is Verdict.EXPLAINED
            assert answer.startswith(f"{command} was refused: {why}")
            assert "completed with error" in chain
    assert case.ask("refused", "CdhCore.cmdDisp.CMD_NO_OP")[0] is Verdict.NOT_SO


def test_refused_by_the_dispatcher_itself(case: Case) -> None:
    dispatcher: Any = case.simulated.instance("CdhCore.cmdDisp")
    dispatcher.seq_cmd_buff(7, bytes.fromhex("0000deadbeef"), 0)
    case.simulated.run_for(2)
    verdict, answer, _ = case.ask("refused")
    assert (verdict, answer) == (Verdict.EXPLAINED, "a command was refused: no instance has this opcode")


def test_reading_the_events_changes_no_file_even_where_one_is_torn(case: Case) -> None:
    files = case.simulated.platform.files
    path = f"{ROOT}/events/ring.a"
    with files.open(path, "w") as ring:
        ring.write_at(ring.size(), b"\xa5\x4b torn")
    before = files.read(path, 1 << 20)
    assert kept_packets(files, ROOT)
    assert files.read(path, 1 << 20) == before
