"""Why safe: the events that led to safe mode, from the first sign of trouble to the mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.explain.explanation import Explanation, Verdict

if TYPE_CHECKING:
    from kittiwake.explain.evidence import Evidence, KeptEvent

ENTERED = "EnteringSafeMode"
LEFT = ("ExitingSafeMode", "AutoSafeModeExit")
CAUSES = (
    "AutoSafeModeEntry", "ExternalFaultDetected", "ManualSafeModeEntry", "CommandLossDetected", "BootLoopSafe",
    "UnintendedRebootDetected", "StateRecovered", "StatePersistenceFailure",
)  # fmt: skip
"""What a mode manager reports of why it enters safe mode; PROVES's names, and ours."""
BEFORE_S = 60.0
"""How long before the mode something may have been its cause."""
CAUSE_WITHIN_S = 5.0
MOST_SHOWN = 12
_GRAVE = ("FATAL", "WARNING_HI", "WARNING_LO")


def why_safe(evidence: Evidence) -> Explanation:
    """What led to the last safe mode, and whether that lasts."""
    marks = evidence.labelled(ENTERED, *LEFT)
    managers = [one for one in evidence.with_evidence("mode") if "reason" in one["evidence"]]
    state = managers[0]["evidence"] if managers else None
    if state is not None and state["mode"] != "SAFE_MODE":
        return Explanation(
            Verdict.NOT_SO, f"it is not safe: the mode is {state['mode']}", [evidence.line(one) for one in marks[-2:]]
        )
    if not marks or marks[-1].label in LEFT:
        if state is None:
            answer = "it is not safe: no event says so" if not marks else f"it is not safe: {marks[-1].text}"
            return Explanation(Verdict.NOT_SO, answer, [evidence.line(one) for one in marks[-2:]])
        now = evidence.fact(f"the mode is SAFE_MODE for {state['reason']}, for {state['for_s']:.0f} s")
        return Explanation(
            Verdict.UNEXPLAINED, f"it is safe for {state['reason']}; the events of the time are not kept", [now]
        )
    entered = marks[-1]
    chain = _led_to(evidence, entered)
    lines = [evidence.line(one) for one in chain]
    if state is not None:
        lines.append(evidence.fact(f"the mode is SAFE_MODE for {state['reason']}, for {state['for_s']:.0f} s"))
    causes = [one for one in chain if one.label in CAUSES and one.instance == entered.instance]
    if not causes:
        reason = entered.arguments.get("reason", "")
        return Explanation(Verdict.UNEXPLAINED, f"it is safe for {reason}; no event says what led to it", lines)
    return Explanation(Verdict.EXPLAINED, f"it is safe: {causes[-1].text}", lines)


def _led_to(evidence: Evidence, entered: KeptEvent) -> list[KeptEvent]:
    """Grave events of the time before, commands that ask for the mode, the manager's own words, and the mode itself."""
    near = evidence.around(entered, BEFORE_S, CAUSE_WITHIN_S)
    place = near.index(entered)
    before = near[:place]
    for index, one in enumerate(before):
        if one.label in LEFT and one.instance == entered.instance:
            before = before[index + 1 :]
            break
    after = [one for one in near[place + 1 :] if one.label in CAUSES and one.instance == entered.instance]
    grave = [one for one in before if one.severity in _GRAVE or one.label in CAUSES or one.severity == "COMMAND"]
    return [*grave[-MOST_SHOWN:], *after, entered]
