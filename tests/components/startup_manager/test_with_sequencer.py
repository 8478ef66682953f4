"""StartupManager, CmdSequencer and CommandDispatcher together: a start runs its sequence and learns how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake_components.startup_manager.states import SequenceState
from tests.components.cmd_sequencer.sequence_files import relative, sequence

NO_OP, UNKNOWN = 0x1000, 0x9999

INSTANCES: list[tuple[Any, ...]] = [
    ("cmdDisp", "kittiwake_components.command_dispatcher.component:CommandDispatcher", 0x1000, 200, 60, "", {}),
    ("cmdSeq", "kittiwake_components.cmd_sequencer.component:CmdSequencer", 0x2000, 40, 28, "", {}),
    ("startupManager", "kittiwake_components.startup_manager.component:StartupManager", 0x3000, 0, 0, "", {}),
]
CONNECTIONS = [
    (1, "com_cmd_out", 0, 0, "seq_cmd_buff", 1),
    (0, "seq_cmd_status", 1, 1, "cmd_response_in", 0),
    (2, "run_sequence", 0, 1, "seq_run_in", 0),
    (2, "cancel_sequence", 0, 1, "seq_cancel_in", 0),
    (1, "seq_start_out", 0, 2, "sequence_started", 0),
    (1, "seq_done", 0, 2, "complete_sequence", 0),
]


def deployment(content: bytes | None) -> Deployment:
    platform = SimulatedPlatform()
    platform.files.make_folder("/data")
    if content is not None:
        with platform.files.open("/data/startup.bin", "x") as file:
            file.write_at(0, content)
    image: Any = {
        "name": "Startup", "version": "", "dictionary_hash": "", "instances": INSTANCES, "connections": CONNECTIONS,
        "services": {"command": 0}, "packets": [], "parameters": [],
    }  # fmt: skip
    made = Deployment(image, platform, Root(platform.files, "/data"))
    made.start()
    return made


def cycles(made: Deployment, count: int) -> None:
    manager: Any = made.instances["startupManager"]
    for _ in range(count):
        manager.run(0)
        made.run_for(1)


@pytest.mark.parametrize(
    "content, ends",
    [
        (sequence(relative(1, NO_OP), relative(0, NO_OP)), SequenceState.FINISHED),
        (sequence(relative(1, NO_OP), relative(0, UNKNOWN)), SequenceState.FAILED),
        (b"no sequence", SequenceState.FAILED),
        (None, SequenceState.ABSENT),
    ],
    ids=["whole", "unknown command", "no sequence", "no file"],
)
def test_a_start_learns_what_became_of_its_sequence(content: bytes | None, ends: SequenceState) -> None:
    """REQ-SM-003, REQ-SM-005."""
    made = deployment(content)
    manager: Any = made.instances["startupManager"]
    cycles(made, 1)
    assert manager.boot_count == 1
    cycles(made, 4)
    assert manager.sequence_state is ends
    made.stop()


def test_an_abort_ends_the_startup_sequence() -> None:
    """REQ-SM-018."""
    made = deployment(sequence(relative(1000, NO_OP)))
    manager: Any = made.instances["startupManager"]
    cycles(made, 2)
    states = [manager.sequence_state]
    manager.abort_startup()
    cycles(made, 1)
    assert [*states, manager.sequence_state] == [SequenceState.STARTED, SequenceState.FAILED]
    made.stop()
