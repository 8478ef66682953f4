"""Why late: the member of a rate group that takes long, the message that held the loop, the queue that was full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.explain.explanation import Explanation, Verdict

if TYPE_CHECKING:
    from kittiwake.explain.evidence import Evidence, KeptEvent

SLIP = "RateGroupCycleSlip"
SIGNS = (SLIP, "HandlerSlow", "QueueFull", "HLTH_PING_WARN", "HLTH_PING_LATE", "CommandTimedOut")
"""The events that something was late or held others up."""
NEAR_S = 5.0
MOST_SHOWN = 5
LONG_US = 1000
"""A message that takes longer is worth to be named."""


def why_late(evidence: Evidence, name: str = "") -> Explanation:
    """Why cycles slip, or why the instance `name` is late. Raises `ValueError` for an instance that is not there."""
    if name and evidence.instances and name not in evidence.instances:
        raise ValueError(f"the running deployment has no instance {name!r}")
    chain, answer = _kept(evidence, name)
    for group in evidence.with_evidence("slips"):
        if group["evidence"]["slips"] and (not name or _concerns(group, name)):
            links, cause = _group(evidence, group)
            chain, answer = chain + links, cause or answer
    if name and name in evidence.instances:
        links, cause = _queue(evidence, evidence.instances[name])
        chain, answer = chain + links, answer or cause
    if answer:
        return Explanation(Verdict.EXPLAINED, answer, chain)
    subject = name or "nothing"
    if chain:
        return Explanation(Verdict.UNEXPLAINED, f"{name or 'a cycle'} was late; what held it up is not known", chain)
    return Explanation(Verdict.NOT_SO, f"{subject} is {'not ' if name else ''}late: no sign of it was found", [])


def _concerns(group: dict[str, Any], name: str) -> bool:
    members = [member["member"].rpartition(".")[0] for member in group["evidence"]["members"]]
    return name == group["name"] or name in members


def _kept(evidence: Evidence, name: str) -> tuple[list[str], str]:
    """The newest signs on the disk, each slip with what was slow near it."""
    signs = [one for one in evidence.labelled(*SIGNS) if not name or _names(one, name)]
    shown = signs[-MOST_SHOWN:]
    answer = ""
    for sign in reversed(shown):
        if answer:
            break
        near = evidence.around(sign, NEAR_S, NEAR_S) if sign.label == SLIP else [sign]
        slow = [one for one in near if one.label == "HandlerSlow"]
        for one in slow:
            if one not in shown:
                shown.insert(shown.index(sign), one)
        if slow:
            worst = max(slow, key=lambda one: int(one.arguments["duration_us"]))
            answer = f"{_handler(worst)} took {worst.arguments['duration_us']} us"
        elif sign.label == "QueueFull":
            answer = f"the queue of {sign.arguments['instance']} was full at {sign.arguments['port']}"
    return [evidence.line(one) for one in shown], answer


def _names(event: KeptEvent, name: str) -> bool:
    return name in (event.instance, event.arguments.get("instance"), event.arguments.get("entry"))


def _handler(event: KeptEvent) -> str:
    return f"{event.arguments['instance']}.{event.arguments['handler']}"


def _group(evidence: Evidence, group: dict[str, Any]) -> tuple[list[str], str]:
    """What a rate group, and who shares its loop, say of cycles that slipped."""
    own = group["evidence"]
    chain = [
        evidence.fact(
            f"{group['name']}: {own['slips']} of {own['cycles']} cycles slipped; "
            f"the longest ended {own['longest_us']} us after it was due"
        )
    ]
    members = own["members"][:3]
    chain += [evidence.fact(f"its member {one['member']} took up to {one['longest_us']} us") for one in members]
    others = _slowest_beside(evidence, group)
    chain += [
        evidence.fact(f"{one['name']}, on the same loop, took up to {one['queue']['slowest_us']} us for one message")
        for one in others
    ]
    worst_us = members[0]["longest_us"] if members else 0
    if others and others[0]["queue"]["slowest_us"] > worst_us:
        other = others[0]
        cause = f"{other['name']} held its loop for {other['queue']['slowest_us']} us"
    elif worst_us >= LONG_US:
        cause = f"its member {members[0]['member']} took {worst_us} us"
    else:
        return chain, ""
    return chain, f"{group['name']} is late: {cause}"


def _slowest_beside(evidence: Evidence, group: dict[str, Any]) -> list[dict[str, Any]]:
    """Who else on the loop had the longest messages; a group's own are its members'."""
    beside = [
        one
        for one in evidence.instances.values()
        if one["queue"] is not None
        and one["loop"] == group["loop"]
        and "slips" not in one["evidence"]
        and one["queue"]["slowest_us"] >= LONG_US
    ]
    return sorted(beside, key=lambda one: -one["queue"]["slowest_us"])[:3]


def _queue(evidence: Evidence, instance: dict[str, Any]) -> tuple[list[str], str]:
    queue, name = instance["queue"], instance["name"]
    if queue is None:
        return [], ""
    chain, answer = [], ""
    if queue["refusal"]:
        chain.append(evidence.fact(f"{name} refuses all messages: {queue['refusal']}"))
        answer = f"{name} is set aside: {queue['refusal']}"
    for port, count in queue["dropped"].items():
        chain.append(evidence.fact(f"{count} messages for {name}.{port} found its queue of {queue['depth']} full"))
        answer = answer or f"the queue of {name} was full at {port}"
    if queue["waiting"]:
        chain.append(evidence.fact(f"{queue['waiting']} messages wait for {name}, up to {queue['high']} did"))
    if queue["slowest_us"] >= LONG_US:
        chain.append(evidence.fact(f"{name} took up to {queue['slowest_us']} us for one message"))
        answer = answer or f"{name} takes up to {queue['slowest_us']} us for one message"
    return chain, answer
