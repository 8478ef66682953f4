"""Why refused: the check that a command did not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.explain.explanation import Explanation, Verdict

if TYPE_CHECKING:
    from kittiwake.explain.evidence import Evidence, KeptEvent

ENDED_BADLY = "OpCodeError"
WHY = {"CommandRefused": "why", "HandlerFailed": "reason"}
"""What Health reports of a command that was refused or failed, and the argument that says why."""
BY_DISPATCHER = {
    "InvalidCommand": "no instance has this opcode",
    "TooManyCommands": "too many commands were waiting for their answers",
    "CommandDroppedQueueOverflow": "the dispatcher's queue was full",
    "CommandTimedOut": "it was not answered in time",
    "MalformedCommand": "the packet holds no command",
}
"""What the dispatcher refuses by itself, and why that is."""
BY_LINK = ("AuthenticationFailed", "ParsingFailed", "SpiInvalid", "KeysUnusable", "BadChecksum", "ForeignFrames",
           "BadFrame", "SequenceGap", "UnknownPacket")  # fmt: skip
"""What keeps a command from coming as far as the dispatcher."""
NEAR_S = 2.0
_ANSWERS = {
    "VALIDATION_ERROR": "an argument is out of its range, or the state does not allow it",
    "FORMAT_ERROR": "the arguments are of another size or type than the dictionary's",
    "BUSY": "an earlier one still runs, or there is no room",
    "INVALID_OPCODE": "no instance has this opcode",
    "EXECUTION_ERROR": "it could not be carried out",
}


def why_refused(evidence: Evidence, name: str = "") -> Explanation:
    """Why the last command, or the last one called `name`, was refused. Raises `UnknownName`."""
    opcode = evidence.dictionary.command(name).opcode if name else None
    refusals = [
        one
        for one in evidence.labelled(ENDED_BADLY, *BY_DISPATCHER)
        if opcode is None or one.arguments.get("Opcode") == opcode
    ]
    if not refusals:
        return _not_there(evidence, name)
    last = refusals[-1]
    opcode = last.arguments.get("Opcode")
    command = evidence.dictionary.commands_by_opcode.get(opcode) if isinstance(opcode, int) else None
    who = name or (command.name if command is not None else "a command")
    near = evidence.around(last, NEAR_S, NEAR_S)
    reasons = [one for one in near if one.label in WHY and _is_of(one, who)]
    own = [one for one in near if one.instance == who.rpartition(".")[0]]
    others = [
        one for one in near if one.label in (ENDED_BADLY, *BY_DISPATCHER) and one.arguments.get("Opcode") == opcode
    ]
    lines = [evidence.line(one) for one in near if one in reasons or one in own or one in others]
    dispatcher = [one for one in others if one.label in BY_DISPATCHER]
    if reasons:
        return Explanation(
            Verdict.EXPLAINED, f"{who} was refused: {reasons[-1].arguments[WHY[reasons[-1].label]]}", lines
        )
    if dispatcher:
        return Explanation(Verdict.EXPLAINED, f"{who} was refused: {BY_DISPATCHER[dispatcher[-1].label]}", lines)
    answer = str(last.arguments.get("error", ""))
    complaints = [one for one in own if one.severity.startswith("WARNING")]
    if complaints:
        return Explanation(Verdict.EXPLAINED, f"{who} was refused: {complaints[-1].text}", lines)
    return Explanation(
        Verdict.UNEXPLAINED, f"{who} was answered {answer} ({_ANSWERS.get(answer, 'no more is known')})", lines
    )


def _is_of(event: KeptEvent, command: str) -> bool:
    """Health clips long names, so that only their beginning may be there."""
    instance, _, label = command.rpartition(".")
    named = str(event.arguments["instance"])
    handler = str(event.arguments["command" if "command" in event.arguments else "handler"])
    return instance.startswith(named) and label.startswith(handler)


def _not_there(evidence: Evidence, name: str) -> Explanation:
    """No command was refused: one may wait, or have been lost on its way."""
    for dispatcher in evidence.with_evidence("pending_commands"):
        for one in dispatcher["evidence"]["pending_commands"]:
            found = evidence.dictionary.commands_by_opcode.get(one["opcode"])
            if found is not None and name in ("", found.name):
                fact = evidence.fact(f"{found.name} waits for its answer since {one['age_s']:.1f} s")
                return Explanation(Verdict.NOT_SO, f"{found.name} is not refused: it is not answered yet", [fact])
    lost = evidence.labelled(*BY_LINK)[-3:]
    who = name or "a command"
    if lost:
        return Explanation(
            Verdict.UNEXPLAINED, f"no refusal of {who} is kept; what was uplinked was not always taken",
            [evidence.line(one) for one in lost],
        )  # fmt: skip
    return Explanation(Verdict.NOT_SO, f"no refusal of {who} is kept", [])
