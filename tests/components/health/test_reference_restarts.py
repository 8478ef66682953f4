"""Every instance of the reference deployment that can be restarted alone comes back to its work."""

from __future__ import annotations

from typing import Any

from kittiwake.runtime.recovery import Recovery
from kittiwake.wire.packets import command_packet
from tests.components.reference import reference


def is_alive(deployment: Any) -> bool:
    """Whether rate groups tick, a command is answered and no handler fails, over three seconds."""
    instances = deployment.instances
    no_op = instances["CdhCore.cmdDisp"]
    seconds = instances["ReferenceDeployment.rateGroup1Hz"]
    cycles, served = seconds._cycles.count, no_op._dispatched
    no_op.seq_cmd_buff(0, command_packet(no_op._context.base_id, b""), 0)
    deployment.run_for(3)
    return bool(
        seconds._cycles.count >= cycles + 2
        and no_op._dispatched == served + 1
        and not no_op._pending
        and instances["CdhCore.health"]._failures == 0
    )


def test_every_instance_comes_back_from_a_restart_and_from_quarantine() -> None:
    """REQ-HLTH-013, REQ-HLTH-014."""
    deployment = reference(3)
    assert is_alive(deployment)
    recovery = Recovery(deployment, deployment.main)
    done: list[str] = []
    names = [name for name in deployment.instances if recovery.is_possible(name)]
    assert len(names) > len(deployment.instances) // 2
    for name in names:
        recovery.restart(name, done.append)
        deployment.main.settle()
        assert (name, done.pop()) == (name, "")
        assert is_alive(deployment), name
    for name in names:
        # Without rate groups nothing is alive, and ComQueue asks the link how much it takes: that fails by design.
        if "rateGroup" in name or name == "ComCcsds.link":
            continue
        recovery.quarantine(name, done.append)
        deployment.run_for(2)
        recovery.restart(name, done.append)
        deployment.run_for(1)
        assert (name, done) == (name, ["", ""])
        done.clear()
        assert is_alive(deployment), name
    deployment.stop()


def test_nobody_is_held_up_for_ever_by_a_restart_of_whoever_asked_to_wait() -> None:
    """REQ-HLTH-013: a pause is taken back by who asked for it, and kept by who was asked."""
    deployment = reference(3)
    queue, router = deployment.instances["ComCcsds.comQueue"], deployment.instances["ComCcsds.router"]
    link, downlink = deployment.instances["ComCcsds.link"], deployment.instances["FileHandling.fileDownlink"]
    recovery, done = Recovery(deployment, deployment.main), list[str]()

    def restart(component: Any) -> None:
        recovery.restart(component.name, done.append)
        deployment.main.settle()
        assert done.pop() == ""

    queue._pause(0)
    queue._pause(1)
    router._ask(True)
    for component in (link, downlink):
        restart(component)
    assert (link._paused, downlink._paused) == (True, True)
    restart(router)
    assert (link._paused, router._paused) == (False, True)
    restart(queue)
    assert (router._paused, downlink._paused) == (False, False)
