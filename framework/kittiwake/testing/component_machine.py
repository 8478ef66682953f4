"""A Hypothesis state machine made from a component's declarations: whatever may happen to it happens, in any order.

    def test_nothing_breaks_it():
        check_component(Pump, max_examples=100)

    TestPump = machine_of(Pump).TestCase

Ports are called and commands sent with arguments that fit and with some that do not, cycles tick, time passes,
parameters are set, queues are filled, neighbours answer what they like, the wall clock steps, and the process is
killed. After each step holds what holds for every component: nothing was raised, no command has a second response,
parameters and channels are within their ranges, queues, tasks and timers are bounded; in the end each command has its
one response.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kittiwake.model.codec import packer
from kittiwake.model.commands import CommandResponse
from kittiwake.model.fw import Sched
from kittiwake.model.types import Enumeration, Integer, Ranged, WireType, resolved
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.context import MAX_PENDING_TASKS
from kittiwake.testing.strategies import MAX_WAIT_S, Action, argument_tuples, calls_of, commands_of, values_of
from kittiwake.testing.tester import ComponentTester

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kittiwake.model.component import Declarations

MAX_TIMERS = 1000
"""More timers of one component are a leak."""
MAX_CYCLES = 20
LATEST_WALL_S = 250 * 366 * 86_400
"""Somewhere behind 2200: a broken clock may show any time, and tags end in 2106."""
QUEUE = 5
REFUSED = (CommandResponse.FORMAT_ERROR, CommandResponse.VALIDATION_ERROR)


class ComponentMachine(RuleBasedStateMachine):
    """What the machines of all components share: the tester, and what always holds."""

    new_tester: Callable[[], ComponentTester[Any]]
    raising: Mapping[str, tuple[type[Exception], ...]]

    def __init__(self) -> None:
        super().__init__()
        self.tester = type(self).new_tester()
        self.is_sound = True
        """Whether the last step went well; one that did not has said all there is to say."""

    def teardown(self) -> None:
        """Shuts down: each command has exactly one response, and no handler has failed."""
        if self.is_sound:
            self.tester.finish()

    def call(self, action: Action) -> None:
        """Calls a port; what it may raise by contract is no fault."""
        try:
            action.apply(self.tester)
        except self.raising.get(action.name, ()):
            return

    @invariant()
    def all_is_well(self) -> None:
        """What holds for every component, whatever happened."""
        self.tester.assert_no_faults()
        twice = [repr(sent) for sent in self.tester._records.sent.values() if len(sent.responses) > 1]
        assert not twice, f"commands with more than one response: {twice}"
        component = self.tester.component
        for parameter in self.tester.declarations.parameters.values():
            parameter.type.check(getattr(component, parameter.name))
        for cell in component._cells:
            cell.channel.type.check(cell.value)
        context = component._context
        if context.queue is not None:
            assert all(len(level) <= context.queue.depth for level in context.queue.levels)
        assert len(context.tasks) <= MAX_PENDING_TASKS
        timers = [entry for entry in context.loop._timers if entry[2].callback is not None]
        assert len(timers) <= MAX_TIMERS, f"{len(timers)} timers are running"
        self.is_sound = True


def _step(**given: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule, which is not sound before `all_is_well` has found it so."""

    def decorate(function: Callable[..., None]) -> Any:
        @wraps(function)
        def step(self: ComponentMachine, **drawn: Any) -> None:
            self.is_sound = False
            function(self, **drawn)

        made: Any = rule(**given)
        return made(step)

    return decorate


def machine_of(
    cls: type[Any],
    *,
    raising: Mapping[str, tuple[type[Exception], ...]] | None = None,
    without: Sequence[str] = (),
    **options: Any,
) -> type[ComponentMachine]:
    """The state machine of a component class.

    `options` are `ComponentTester`'s. `raising` names the exceptions that sync and guarded ports raise by contract,
    and `without` the ports and commands that are left alone, because they may not be called at any time.
    """
    declared: Declarations = cls.__declarations__
    namespace: dict[str, Any] = {
        "__doc__": f"{cls.__name__}, with whatever may happen to it.",
        "new_tester": staticmethod(lambda: ComponentTester(cls, **{"queue": QUEUE, **options})),
        "raising": dict(raising or {}),
    }
    for rules in (_port_rules, _command_rules, _life_rules):
        namespace |= rules(cls, declared, frozenset(without))
    return type(f"{cls.__name__}Machine", (ComponentMachine,), namespace)


def check_component(cls: type[Any], *, max_examples: int = 20, steps: int = 30, **options: Any) -> None:
    """Runs the state machine of a component class; `options` are `machine_of`'s.

    Raises `AssertionError`, or what the component raised, with the shortest run that shows it.
    """
    chosen = settings(
        max_examples=max_examples, stateful_step_count=steps, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )  # fmt: skip
    run_state_machine_as_test(machine_of(cls, **options), settings=chosen)


def _port_rules(cls: type[Any], declared: Declarations, without: frozenset[str]) -> dict[str, Any]:
    ports = [port for port in declared.inputs.values() if port.name not in without]
    rules: dict[str, Any] = {}
    if ports:

        @_step(action=calls_of(cls).filter(lambda action: action.name not in without))
        def call_a_port(self: ComponentMachine, action: Action) -> None:
            self.call(action)

        rules["call_a_port"] = call_a_port
    cycled = [port.name for port in ports if port.port is Sched and not port.is_array]
    if cycled:

        @_step(name=st.sampled_from(cycled), count=st.integers(1, MAX_CYCLES))
        def tick(self: ComponentMachine, name: str, count: int) -> None:
            for _ in range(count):
                self.tester.advance(1.0)
                getattr(self.tester.call, name)(0)

        rules["tick"] = tick
    queued = [port for port in ports if port.kind == "async" and port.full not in ("assert", "block")]
    if queued:

        @_step(port=st.sampled_from(queued), data=st.data(), more=st.integers(1, QUEUE))
        def fill_the_queue(self: ComponentMachine, port: Any, data: Any, more: int) -> None:
            arguments = data.draw(argument_tuples(port.port.parameters))
            element = data.draw(st.integers(0, port.size - 1)) if port.is_array else None
            with self.tester.held():
                for _ in range(QUEUE + more):
                    self.call(Action("call", port.name, arguments, element))

        rules["fill_the_queue"] = fill_the_queue
    return rules


def _command_rules(cls: type[Any], declared: Declarations, without: frozenset[str]) -> dict[str, Any]:
    known = [one for one in declared.commands.values() if one.label not in without]
    sets = [(f"{one.label}_PRM_SET", [("value", one.type)]) for one in declared.parameters.values()]
    if not known and not sets:
        return {}

    @_step(action=commands_of(cls).filter(lambda action: action.name not in without))
    def send_a_command(self: ComponentMachine, action: Action) -> None:
        action.apply(self.tester)

    wrong = [_wrong_arguments(label, parameters) for label, parameters in sets]
    wrong += [_wrong_arguments(one.label, one.parameters) for one in known]

    @_step(given=st.one_of(wrong))
    def send_what_does_not_fit(self: ComponentMachine, given: tuple[str, bytes]) -> None:
        sent = self.tester.send_raw(*given)
        assert sent.response in REFUSED, f"{sent!r} with arguments that do not fit"

    return {"send_a_command": send_a_command, "send_what_does_not_fit": send_what_does_not_fit}


def _wrong_arguments(label: str, parameters: Sequence[tuple[str, WireType]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """The arguments of a command as bytes that are too many, too few, or hold a value out of its range."""
    forms = [form for _, form in parameters]
    pack = packer(forms)
    fitting = argument_tuples(parameters).map(lambda values: pack(*values))
    longer = st.tuples(fitting, st.binary(min_size=1, max_size=8)).map(lambda parts: parts[0] + parts[1])
    ways = [longer]
    if forms:
        ways.append(fitting.filter(len).flatmap(lambda data: st.integers(0, len(data) - 1).map(lambda end: data[:end])))
    for place, form in enumerate(forms):
        outside = _outside(form)
        if outside is not None:
            others = [argument_tuples([parameters[at]]) for at in range(len(forms)) if at != place]
            ways.append(st.tuples(outside, *others).map(lambda drawn, place=place: _joined(forms, place, drawn)))  # type: ignore[misc]
    return st.one_of(ways).map(lambda data: (label, data))


def _joined(forms: Sequence[WireType], place: int, drawn: tuple[Any, ...]) -> bytes:
    """All arguments packed, the one at `place` as the bytes that come first in `drawn`."""
    bad, *others = drawn
    rest = iter(others)
    return b"".join([bad if at == place else form.pack(next(rest)[0]) for at, form in enumerate(forms)])


def _outside(form: WireType) -> st.SearchStrategy[bytes] | None:
    """Values just outside of a type's range, packed; `None` where every number of its size is inside."""
    plain = resolved(form)
    if isinstance(plain, Enumeration):
        number = plain.representation
        free = [value for value in (number.low, number.high, max(plain.by_value) + 1) if value not in plain.by_value]
        packed = [number.pack(value) for value in free if number.low <= value <= number.high]
        return st.sampled_from(packed) if packed else None
    if isinstance(form, Ranged) and isinstance(plain, Integer):
        values = [value for value in (int(form.low) - 1, int(form.high) + 1) if plain.low <= value <= plain.high]
        return st.sampled_from([plain.pack(value) for value in values]) if values else None
    return None


def _life_rules(cls: type[Any], declared: Declarations, without: frozenset[str]) -> dict[str, Any]:
    @_step(seconds=st.floats(0, MAX_WAIT_S))
    def let_time_pass(self: ComponentMachine, seconds: float) -> None:
        self.tester.advance(seconds)

    @_step(wall_s=st.integers(0, LATEST_WALL_S))
    def the_wall_clock_steps(self: ComponentMachine, wall_s: int) -> None:
        self.tester.platform.clock.set_wall_ns(wall_s * NS_PER_S)

    @_step()
    def kill_the_process(self: ComponentMachine) -> None:
        self.tester.restart()

    rules: dict[str, Any] = {
        "let_time_pass": let_time_pass,
        "the_wall_clock_steps": the_wall_clock_steps,
        "kill_the_process": kill_the_process,
    }
    asked = [output for output in declared.outputs.values() if output.port.returns is not None]
    if asked:

        @_step(output=st.sampled_from(asked), data=st.data())
        def a_neighbour_answers_otherwise(self: ComponentMachine, output: Any, data: Any) -> None:
            history = getattr(self.tester.ports, output.name)
            for one in history if output.is_array else [history]:
                one.returns = data.draw(values_of(output.port.returns))

        rules["a_neighbour_answers_otherwise"] = a_neighbour_answers_otherwise
    return rules
