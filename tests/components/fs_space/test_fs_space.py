"""FsSpace: what the file system says, and nothing else."""

from __future__ import annotations

from typing import Any

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import FsSpace


def test_room_is_reported_when_it_changes_and_left_when_it_is_unknown() -> None:
    """REQ-FS-001, REQ-FS-002."""
    with ComponentTester(FsSpace) as tester:
        answers: list[Any] = [(10, 100), (10, 100), (9, 100), OSError(5, "Input/output error"), (8, 100)]

        def space(path: str) -> tuple[int, int]:
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer  # type: ignore[no-any-return]

        tester.files.space = space
        for _ in range(5):
            tester.call.run(0)
        assert tester.channel("FreeSpace").history == [10, 9, 8]
        assert tester.channel("TotalSpace").history == [100]
        assert [one.args for one in tester.events.named("SpaceUnknown")] == [("Input/output error",)]


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(FsSpace) == []
