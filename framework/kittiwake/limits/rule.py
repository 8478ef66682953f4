"""Rules of actionpoints as people write them, `low and not (charging or sunlit)`, and as the table has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kittiwake.faults import did_you_mean
from kittiwake.limits.table import AND, NOT, OR, RULE_SIZE_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_]*)|([()]))")
_OPERATORS = {"not": NOT, "and": AND, "or": OR}
_BINDING = {OR: 1, AND: 2, NOT: 3}
_MAX_DEPTH = 32


class RuleFault(ValueError):
    """What is wrong with a rule, `offset` characters into its text; `hint` says what was probably meant."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        self.offset = offset
        self.message = message
        self.hint = hint
        super().__init__(message)


def parse_rule(text: str, names: Sequence[str]) -> bytes:
    """The rule of a text over the watchpoints `names`. `not` binds closest, `or` least. Raises `RuleFault`."""
    parser = _Parser(text, names)
    parser.alternatives(0)
    if parser.word:
        raise RuleFault(parser.offset, f"{parser.word!r} follows where the rule is at its end", "join with and, or")
    if len(parser.rule) > RULE_SIZE_MAX:
        raise RuleFault(0, f"the rule has {len(parser.rule)} names and operators, {RULE_SIZE_MAX} are allowed")
    return bytes(parser.rule)


class _Parser:
    def __init__(self, text: str, names: Sequence[str]) -> None:
        self._text = text
        self._places = {name: place for place, name in enumerate(names)}
        self._at = 0
        self.rule: list[int] = []
        self.word = ""
        self.offset = 0
        self._advance()

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            rest = self._text[self._at :]
            self.offset = self._at + len(rest) - len(rest.lstrip())
            if rest.strip():
                raise RuleFault(self.offset, f"{rest.strip()[0]!r} has no place in a rule")
            self.word = ""
            return
        self._at = found.end()
        kind = 1 if found[1] else 2
        self.word, self.offset = found[kind], found.start(kind)

    def alternatives(self, depth: int) -> None:
        self._joined("or", OR, self._conjunction, depth)

    def _conjunction(self, depth: int) -> None:
        self._joined("and", AND, self._negation, depth)

    def _joined(self, word: str, operator: int, part: object, depth: int) -> None:
        assert callable(part)
        part(depth)
        while self.word == word:
            self._advance()
            part(depth)
            self.rule.append(operator)

    def _negation(self, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise RuleFault(self.offset, "the rule nests too deeply")
        if self.word == "not":
            self._advance()
            self._negation(depth + 1)
            self.rule.append(NOT)
        elif self.word == "(":
            opened = self.offset
            self._advance()
            self.alternatives(depth + 1)
            if self.word != ")":
                raise RuleFault(opened, "this bracket is never closed")
            self._advance()
        else:
            self._name()

    def _name(self) -> None:
        word = self.word
        if not word or word in _OPERATORS or word == ")":
            raise RuleFault(self.offset, "here stands the name of a watchpoint")
        place = self._places.get(word)
        if place is None:
            raise RuleFault(self.offset, f"there is no watchpoint {word}", did_you_mean(word, self._places))
        self.rule.append(place)
        self._advance()


def rule_text(rule: bytes, names: Sequence[str]) -> str:
    """The text that `parse_rule` makes the same rule of, with no more brackets than it needs."""
    stack: list[tuple[str, int]] = []
    for code in rule:
        if code < NOT:
            stack.append((names[code], 4))
        elif code == NOT:
            stack.append((f"not {_bracketed(stack.pop(), _BINDING[NOT])}", _BINDING[NOT]))
        else:
            right, left = stack.pop(), stack.pop()
            binding = _BINDING[code]
            word = "and" if code == AND else "or"
            # A chain is read from the left: what stands on the right must bind more closely.
            stack.append((f"{_bracketed(left, binding)} {word} {_bracketed(right, binding + 1)}", binding))
    return stack[0][0]


def _bracketed(part: tuple[str, int], least: int) -> str:
    text, binding = part
    return text if binding >= least else f"({text})"
