"""Sources that are compiled while the program runs: once, or by an earlier start."""

from __future__ import annotations

import pytest

from kittiwake import compiled
from kittiwake.compiled import LIMIT, known, learn


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_known", {})


def test_a_source_is_compiled_once() -> None:
    code = compiled.compiled("1 + 1", "<sum>")
    assert eval(code) == 2  # noqa: S307 - written here, as below
    assert compiled.compiled("1 + 1", "<sum>") is code
    assert compiled.compiled("1 + 1", "<sum>", "exec") is not code
    assert compiled.compiled("1 + 1", "<other>").co_filename == "<other>"


def test_what_was_learnt_is_not_compiled() -> None:
    learn({("1 + 1", "<sum>", "eval"): compile("3", "<sum>", "eval")})
    assert eval(compiled.compiled("1 + 1", "<sum>")) == 3  # noqa: S307
    assert len(known()) == 1


def test_a_mistake_is_raised_and_not_remembered() -> None:
    with pytest.raises(SyntaxError):
        compiled.compiled("1 +", "<sum>")
    assert not known()


def test_no_more_than_the_limit_is_remembered() -> None:
    for number in range(LIMIT + 2):
        assert eval(compiled.compiled(str(number), "<number>")) == number  # noqa: S307
    assert len(known()) == LIMIT


def test_annotations_of_the_module_that_compiles_do_not_count() -> None:
    names: dict[str, object] = {}
    exec(compiled.compiled("x: y = 1", "<annotated>", "exec"), {"y": "seen"}, names)
    assert names["__annotations__"] == {"x": "seen"}
