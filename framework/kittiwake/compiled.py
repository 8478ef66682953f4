"""Code that is compiled while the program runs, once for each source text.

Constructors, annotations and the cycles of rate groups are written out where that is quicker than to interpret them at
each call. To compile them costs a start a tenth of its time: so a start of a device leaves the code to the next one
(`kittiwake.cli.code_pack`), by `known` and `learn`. It depends on nothing but the source and the interpreter.
"""

from __future__ import annotations

TYPE_CHECKING = False  # the code pack, from which `typing` comes, learns from here
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    Source = tuple[str, str, str]
    """The text, what it is called in tracebacks, and the mode of `compile`."""

LIMIT = 4096
"""How many sources are remembered; further ones are compiled whenever they are wanted."""

_known: dict[Source, CodeType] = {}


def compiled(text: str, name: str, mode: str = "eval") -> CodeType:
    """The code of a source text. Raises `SyntaxError`."""
    source = (text, name, mode)
    code = _known.get(source)
    if code is None:
        code = compile(text, name, mode, dont_inherit=True)
        if len(_known) < LIMIT:
            _known[source] = code
    return code


def known() -> Mapping[Source, CodeType]:
    """What has been compiled or learnt."""
    return _known


def learn(codes: Mapping[Source, CodeType]) -> None:
    """Takes over what an earlier process has compiled, with the same interpreter."""
    _known.update(codes)
