"""Why silent: what keeps an event, a channel or a whole instance from being heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.explain.evidence import seconds_between
from kittiwake.explain.explanation import Explanation, Verdict
from kittiwake.faults import did_you_mean

if TYPE_CHECKING:
    from kittiwake.explain.evidence import Evidence, KeptEvent

ALWAYS_SHOWN = ("FATAL", "COMMAND")
RECENT_S = 60.0
"""What was heard of so lately is not silent."""
_LINK = ("LinkEstablished", "LinkLost", "LinkFailed")


class Trail:
    """What was found on the way from whoever speaks to the ground: the links of the chain, and the first cause."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.chain: list[str] = []
        self.cause = ""

    def fact(self, text: str, cause: str = "") -> None:
        """Adds what the running deployment says; `cause` is why something is silent by that."""
        self.chain.append(self.evidence.fact(text))
        self.cause = self.cause or cause

    def event(self, event: KeptEvent, cause: str = "") -> None:
        """Adds an event of the time before."""
        self.chain.append(self.evidence.line(event))
        self.cause = self.cause or cause

    def end(self, name: str, otherwise: str) -> Explanation:
        """The explanation, where nothing speaks against it."""
        if self.cause:
            return Explanation(Verdict.EXPLAINED, f"{name} is silent: {self.cause}", self.chain)
        return Explanation(Verdict.UNEXPLAINED, f"{name} is silent; {otherwise}", self.chain)


def why_silent(evidence: Evidence, name: str) -> Explanation:
    """Why an event, a channel or an instance is not heard of. Raises `ValueError` for a name that is none of them."""
    dictionary = evidence.dictionary
    if name in dictionary.events:
        return _event(evidence, name)
    if name in dictionary.channels:
        return _channel(evidence, name)
    if name in _instances(evidence):
        return _instance(evidence, name)
    known = [*dictionary.events, *dictionary.channels, *_instances(evidence)]
    hint = did_you_mean(name, known)
    raise ValueError(f"there is no event, channel or instance {name!r}" + (f"; {hint}" if hint else ""))


def _instances(evidence: Evidence) -> set[str]:
    dictionary = evidence.dictionary
    named = {one.rpartition(".")[0] for table in (dictionary.events, dictionary.channels) for one in table}
    return named | set(evidence.instances)


def _event(evidence: Evidence, name: str) -> Explanation:
    declared = evidence.dictionary.event(name)
    trail = Trail(evidence)
    heard = [one for one in evidence.events if one.name == name]
    if heard:
        trail.event(heard[-1])
    _throttled(evidence, name, declared.id, trail)
    _filtered(evidence, name, declared.id, declared.severity, trail)
    _stopped(evidence, name.rpartition(".")[0], trail)
    _on_the_way(evidence, trail)
    if not trail.cause and heard and _is_recent(evidence, heard[-1].tag):
        return Explanation(Verdict.NOT_SO, f"{name} is not silent: it was reported lately", trail.chain)
    return trail.end(name, "nothing holds it back: what it reports has not happened, or its log keeps no such events")


def _throttled(evidence: Evidence, name: str, id: int, trail: Trail) -> None:
    instance, _, label = name.rpartition(".")
    state = evidence.instances.get(instance, {}).get("throttles", {}).get(label)
    if state is not None and state["suppressed"]:
        often = f"{state['limit']} in {state['every_s']:g} s" if state["every_s"] else f"{state['limit']} in all"
        trail.fact(
            f"{name} was reported {state['count']} times, and held back {state['suppressed']} times since the start",
            f"its throttle lets {often} pass, and held {state['suppressed']} back",
        )
    told = [one for one in evidence.labelled("EventThrottled") if one.arguments["ID"] == id]
    if told:
        trail.event(told[-1], "" if evidence.instances else f"its throttle held {told[-1].arguments['count']} back")


def _filtered(evidence: Evidence, name: str, id: int, severity: str, trail: Trail) -> None:
    if severity in ALWAYS_SHOWN:
        return
    for log in evidence.with_evidence("held_back_severities"):
        if severity in log["evidence"]["held_back_severities"]:
            trail.fact(f"{log['name']} holds back all events of {severity}", f"the filter of {severity} is on")
        if id in log["evidence"]["held_back_ids"]:
            trail.fact(f"{log['name']} holds back the id {id:#x}", "the filter of its id is on")
    ids = [one for one in evidence.labelled("ID_FILTER_ENABLED", "ID_FILTER_REMOVED") if one.arguments["ID"] == id]
    if ids:
        is_on = ids[-1].label == "ID_FILTER_ENABLED" and not evidence.instances
        trail.event(ids[-1], "the filter of its id is on" if is_on else "")


def _channel(evidence: Evidence, name: str) -> Explanation:
    channel = evidence.dictionary.channel(name)
    instance, _, label = name.rpartition(".")
    trail = Trail(evidence)
    cell = evidence.instances.get(instance, {}).get("channels", {}).get(label)
    if cell is not None:
        _written(evidence, name, cell, trail)
    _stopped(evidence, instance, trail)
    _packets(evidence, name, channel.id, trail)
    _on_the_way(evidence, trail)
    if not trail.cause and cell is not None and cell["tag"] and _is_recent(evidence, cell["tag"]):
        return Explanation(Verdict.NOT_SO, f"{name} is not silent: it was written lately", trail.chain)
    return trail.end(name, "whether it was written is not known: no deployment answers" if cell is None else
                     "it is sent when it is written next")  # fmt: skip


def _written(evidence: Evidence, name: str, cell: dict[str, Any], trail: Trail) -> None:
    if not cell["tag"]:
        trail.fact(f"{name} was never written since the start", "nobody has written it")
        return
    trail.chain.append(f"{evidence.time(cell['tag'])}  {name} = {cell['value']}")
    if cell["on_change"] and not _is_recent(evidence, cell["tag"]):
        age_s = seconds_between(cell["tag"], evidence.snapshot["tag"]) if evidence.snapshot else 0
        trail.fact(
            f"{name} is sent when it changes; it has not for {age_s:.0f} s", "it has not changed, and is sent on change"
        )


def _packets(evidence: Evidence, name: str, id: int, trail: Trail) -> None:
    for store in evidence.with_evidence("packets"):
        own = store["evidence"]
        packets = [one for one in own["packets"] if id in one["channels"]]
        if own["packets"] and not packets:
            trail.fact(f"{name} is in no packet of {store['name']}", "it is in no telemetry packet")
        above = [one for one in packets if one["group"] > own["level"]]
        if packets and len(above) == len(packets):
            listed = ", ".join(f"{one['name']} (level {one['group']})" for one in above)
            trail.fact(
                f"{store['name']} sends up to level {own['level']}; it is in {listed}",
                f"its packet's level is {above[0]['group']}, and the send level {own['level']}",
            )
        for one in packets:
            if one["awaited"]:
                missing = ", ".join(one["awaited"])
                trail.fact(f"packet {one['name']} waits for first values", f"its packet waits for {missing}")
    sets = evidence.dictionary.packet_sets
    if not evidence.instances and sets and not any(
        id in [channel.id for channel in packet.channels] for one in sets for packet in one.packets
    ):  # fmt: skip
        trail.cause = trail.cause or "it is in no telemetry packet"
    levels = evidence.labelled("LevelSet")
    if levels:
        trail.event(levels[-1])


def _stopped(evidence: Evidence, name: str, trail: Trail) -> None:
    found = evidence.instances.get(name)
    if found is not None:
        refusal = "" if found["queue"] is None else found["queue"]["refusal"]
        if found["is_stopped"] or refusal:
            trail.fact(f"{name} is stopped" + (f": {refusal}" if refusal else ""), f"{name} is set aside")
        return
    told = [one for one in evidence.labelled("InstanceQuarantined", "InstanceRestarted")
            if name.startswith(str(one.arguments["instance"]))]  # fmt: skip
    if told:
        trail.event(told[-1], f"{name} is set aside" if told[-1].label == "InstanceQuarantined" else "")


def _instance(evidence: Evidence, name: str) -> Explanation:
    trail = Trail(evidence)
    heard = [one for one in evidence.events if one.instance == name]
    if heard:
        trail.event(heard[-1])
    _stopped(evidence, name, trail)
    found = evidence.instances.get(name)
    written = [] if found is None else [cell["tag"] for cell in found["channels"].values() if cell["tag"]]
    if written:
        trail.chain.append(f"{evidence.time(max(written))}  a channel of {name} was written")
    _on_the_way(evidence, trail)
    newest = max([*written, *[one.tag for one in heard]], default=0)
    if not trail.cause and newest and _is_recent(evidence, newest):
        return Explanation(Verdict.NOT_SO, f"{name} is not silent", trail.chain)
    return trail.end(name, "nothing holds it back: it has had nothing to say")


def _on_the_way(evidence: Evidence, trail: Trail) -> None:
    """What lies between all of them and the ground: the downlink's queue, and the link with its gate."""
    for queue in evidence.with_evidence("dropped_packets"):
        own = queue["evidence"]
        if sum(own["dropped_packets"]):
            trail.fact(f"{queue['name']} has dropped {own['dropped_packets']} packets by queue")
        if own["waits_for_link"] and sum(own["waiting_packets"]):
            trail.fact(f"{sum(own['waiting_packets'])} packets wait in {queue['name']} for the link")
    for link in evidence.with_evidence("is_gate_shut"):
        own = link["evidence"]
        if not own["address"]:
            trail.fact(f"{link['name']} goes nowhere", "the link has no address")
        elif own["is_gate_shut"]:
            trail.fact(f"the gate of {link['name']} is shut: no bearer is in use", "the link's gate is shut")
        elif not own["is_up"]:
            trail.fact(f"{link['name']} is down: nobody is connected at {own['address']}", "the link is down")
    if not evidence.instances:
        told = evidence.labelled(*_LINK)
        if told:
            trail.event(told[-1], "" if told[-1].label == "LinkEstablished" else "the link was down")


def _is_recent(evidence: Evidence, tag: int) -> bool:
    """Whether that is not long ago, by now or, where no deployment answers, by its last event."""
    last = evidence.snapshot["tag"] if evidence.snapshot else max([one.tag for one in evidence.events], default=tag)
    return tag >> 64 == last >> 64 and seconds_between(tag, last) <= RECENT_S
