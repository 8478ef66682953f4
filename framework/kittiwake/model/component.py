"""Components: classes whose declarations become their dictionary, their checks, their codecs and their test harness.

A component class is written in plain Python; `Declarations` is what the framework reads from it. Output ports,
parameters and events are taken out of the class and bound as attributes of each instance, so that a port call costs
what a method call costs. Author's state belongs into `initialize`.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from kittiwake.model.channels import Channel, ChannelCell, channel_property
from kittiwake.model.commands import Command
from kittiwake.model.events import Event
from kittiwake.model.parameters import Parameter, Setting
from kittiwake.model.ports import InputPort, InternalPort, OutputPort, OutputPortArray, PortNotConnected
from kittiwake.model.signature import Declared
from kittiwake.model.types import TypeFault, annotations_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.model.products import Container, Record
    from kittiwake.model.state_machine import StateMachine
    from kittiwake.platform.interface import Platform
    from kittiwake.runtime.context import Context
    from kittiwake.runtime.tags import TagSource
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake.storage.root import Root

PASSIVE = "passive"
QUEUED = "queued"
ACTIVE = "active"

CO_COROUTINE = 0x80
"""The flag of a code object that an `async def` made (`inspect.CO_COROUTINE`, without that slow import)."""

RESERVED = frozenset((
    "name", "clock", "platform", "root", "initialize", "start", "stop", "parameter_updated", "is_connected",
    "clear_throttle", "dispatch_queued", "connections_changed", "evidence", "KIND", "RESTARTABLE",
))  # fmt: skip
"""Names that every component has already."""

MAX_NUMBER = 0x10000
OUTPUTS_KEPT = 1024
"""Of so many instances what stands in their open outputs is kept for their next start."""

MAX_DECLARED = 512
"""The most commands, events, channels or parameters of one component: their numbers stay inside its id range."""


class Declarations:
    """What a component class declares, by Python name and in the order of declaration."""

    def __init__(self, inherited: Iterable[Declarations]) -> None:
        self.inputs: dict[str, InputPort] = {}
        self.outputs: dict[str, OutputPort[Any, Any] | OutputPortArray[Any, Any]] = {}
        self.commands: dict[str, Command] = {}
        self.events: dict[str, Event] = {}
        self.channels: dict[str, Channel[Any]] = {}
        self.parameters: dict[str, Parameter[Any]] = {}
        self.settings: dict[str, Setting[Any]] = {}
        self.internals: dict[str, InternalPort] = {}
        self.machines: dict[str, StateMachine[Any, Any]] = {}
        self.records: dict[str, Record[Any]] = {}
        self.containers: dict[str, Container] = {}
        for other in inherited:
            for mine, theirs in zip(self.groups(), other.groups(), strict=True):
                mine.update(theirs)

    def groups(self) -> tuple[dict[str, Any], ...]:
        """The tables: inputs, outputs, commands, events, channels, parameters, settings, internal ports, machines, and
        records and containers of data products.
        """
        return (
            self.inputs, self.outputs, self.commands, self.events, self.channels, self.parameters, self.settings,
            self.internals, self.machines, self.records, self.containers,
        )  # fmt: skip

    def add_marked(self, name: str, value: Any) -> None:
        """Takes what a decorator has declared with a method, and data products; any other value is the author's own."""
        if hasattr(value, "__input_port__"):
            value.__input_port__.name = name
            self.inputs[name] = value.__input_port__
        elif hasattr(value, "__internal_port__"):
            self.internals[name] = value.__internal_port__
        elif hasattr(value, "__command__"):
            self.commands[name] = value.__command__
        elif hasattr(value, "__data_product__"):
            value.bind(name)
            getattr(self, value.__data_product__)[name] = value

    @cached_property
    def by_name(self) -> dict[str, Any]:
        """Every declaration by its Python name."""
        return {name: one for group in reversed(self.groups()) for name, one in group.items()}

    @cached_property
    def channel_starts(self) -> list[tuple[Channel[Any], int, Any]]:
        """Each channel with its number and its default: what every instance begins with."""
        return [(channel, _number(channel.number), channel.type.default) for channel in self.channels.values()]

    def span(self) -> int:
        """The size of the range of ids that an instance needs."""
        numbers = [event.number for event in self.events.values()]
        numbers += [command.number for command in self.commands.values()]
        numbers += [channel.number for channel in self.channels.values()]
        numbers += [record.number for record in self.records.values()]
        numbers += [container.number for container in self.containers.values()]
        for parameter in self.parameters.values():
            numbers += [parameter.number, parameter.set_opcode, parameter.save_opcode]
        return max([number + 1 for number in numbers if number is not None], default=1)

    def opcodes(self) -> dict[int, tuple[str, Any]]:
        """Offset of each opcode -> what it does: ("call", Command), ("set", Parameter) or ("save", Parameter)."""
        table: dict[int, tuple[str, Any]] = {}
        for command in self.commands.values():
            table[_number(command.number)] = ("call", command)
        for parameter in self.parameters.values():
            table[_number(parameter.set_opcode)] = ("set", parameter)
            table[_number(parameter.save_opcode)] = ("save", parameter)
        return table


def _number(value: int | None) -> int:
    assert value is not None, "numbers are settled when the class is made"
    return value


def _settle(owner: str, what: str, items: Iterable[Any], attribute: str, taken: set[int]) -> None:
    """Gives each item without a number the next free one after its predecessor, as FPP does."""
    following = 0
    for item in items:
        number = getattr(item, attribute)
        if number is None:
            number = following
            while number in taken:
                number += 1
            setattr(item, attribute, number)
        elif number in taken:
            raise TypeFault(f"{owner}: two {what} have the number {number:#x}")
        if not 0 <= number < MAX_NUMBER:
            raise TypeFault(f"{owner}: {what} number {number:#x} is outside 0 to {MAX_NUMBER - 1:#x}")
        taken.add(number)
        following = number + 1


class ComponentType(type):
    """Collects the declarations of a component class. `Cls.port` still gives the declaration, for `is_connected`."""

    __declarations__: Declarations

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ComponentType:
        inherited = [base.__declarations__ for base in bases if isinstance(base, ComponentType)]
        if sum(any(base.groups()) for base in inherited) > 1:
            raise TypeFault(f"{name}: only one of its bases may declare anything, or their numbers would clash")
        declared = Declarations(inherited)
        for key, value in list(namespace.items()):
            if isinstance(value, (OutputPort, OutputPortArray)):
                value.name = key
                declared.outputs[key] = namespace.pop(key)
            elif isinstance(value, Event):
                declared.events[key] = value
                namespace[key] = EmitterMaker(value)
            elif isinstance(value, Parameter):
                value.bind(key)
                declared.parameters[key] = namespace.pop(key)
            elif isinstance(value, Setting):
                value.name = key
                declared.settings[key] = namespace.pop(key)
            elif isinstance(value, Channel):
                value.bind(key)
                declared.channels[key] = value
                value.index = list(declared.channels).index(key)
                namespace[key] = channel_property(value)
            elif hasattr(value, "__state_machine__"):
                value.bind(key)
                declared.machines[key] = namespace.pop(key)
            else:
                declared.add_marked(key, value)
        made = super().__new__(mcls, name, bases, namespace)
        made.__declarations__ = declared
        if made.KIND:
            _settle_all(made, declared)
            if Declared.is_read_at_once:
                _check(made, declared)
        return made

    def __getattr__(cls, name: str) -> Any:
        found = None if name.startswith("__") else cls.__declarations__.by_name.get(name)
        if found is None:
            raise AttributeError(f"{cls.__name__} has no attribute {name!r}")
        return found


def _settle_all(cls: ComponentType, declared: Declarations) -> None:
    """Fills in what follows from the rest. Raises `TypeFault` for numbers that clash."""
    owner = cls.__name__
    for command in declared.commands.values():
        if command.kind is None:
            command.kind = "sync" if cls.KIND == PASSIVE else "async"
    _settle_opcodes(owner, declared)
    _settle(owner, "events", declared.events.values(), "number", set())
    _settle(owner, "channels", declared.channels.values(), "number", set())
    _settle(owner, "parameters", declared.parameters.values(), "number", set())
    _settle(owner, "records", declared.records.values(), "number", set())
    _settle(owner, "containers", declared.containers.values(), "number", set())
    for machine in declared.machines.values():
        machine.settle(owner)


def _check(cls: ComponentType, declared: Declarations) -> None:
    owner = cls.__name__
    kind = cls.KIND
    for group, what in zip(declared.groups()[2:6], ("commands", "events", "channels", "parameters"), strict=True):
        if len(group) > MAX_DECLARED:
            raise TypeFault(f"{owner}: more than {MAX_DECLARED} {what}")
    _check_names(owner, declared)
    for command in declared.commands.values():
        if command.kind == "async" and kind == PASSIVE:
            raise TypeFault(f"{owner}.{command.name}: a passive component has no queue for an async command")
    for port in declared.inputs.values():
        if port.kind == "async" and kind == PASSIVE:
            raise TypeFault(f"{owner}.{port.name}: a passive component has no queue for an async port")
        _check_handler(cls, port)
    if declared.internals and kind == PASSIVE:
        raise TypeFault(f"{owner}.{next(iter(declared.internals))}: a passive component has no queue")
    queues: list[InputPort | InternalPort] = [*declared.inputs.values(), *declared.internals.values()]
    for queued in queues:
        if queued.full == "hook" and not callable(getattr(cls, f"{queued.name}_overflow", None)):
            raise TypeFault(f"{owner}.{queued.name}: its hook is missing, the method {queued.name}_overflow")
    for machine in declared.machines.values():
        machine.check(cls)


def _settle_opcodes(owner: str, declared: Declarations) -> None:
    """Commands first, then the set and save commands of parameters, around the opcodes that are given already."""
    parameters = declared.parameters.values()
    given = [number for one in parameters for number in (one.set_opcode, one.save_opcode) if number is not None]
    taken = set(given)
    if len(taken) < len(given):
        raise TypeFault(f"{owner}: two parameter commands have the same opcode")
    _settle(owner, "commands", declared.commands.values(), "number", taken)
    for parameter in parameters:
        for attribute in ("set_opcode", "save_opcode"):
            if getattr(parameter, attribute) is None:
                setattr(parameter, attribute, max(taken, default=-1) + 1)
                taken.add(getattr(parameter, attribute))
    if not all(0 <= number < MAX_NUMBER for number in taken):
        raise TypeFault(f"{owner}: an opcode is outside 0 to {MAX_NUMBER - 1:#x}")


def _check_names(owner: str, declared: Declarations) -> None:
    """No declaration may hide what the framework gives each component, and the dictionary's names are unique."""
    for group in declared.groups():
        labels: dict[str, str] = {}
        for name, one in group.items():
            if name in RESERVED or (name.startswith("_") and group is not declared.internals):
                raise TypeFault(f"{owner}.{name}: the name is the framework's; take another one")
            label = getattr(one, "label", name)
            if label in labels:
                raise TypeFault(f"{owner}: {labels[label]} and {name} are both {label} in the dictionary")
            labels[label] = name


def _check_handler(cls: ComponentType, port: InputPort) -> None:
    if port.mirrors and port.mirrors not in cls.__declarations__.outputs:
        raise TypeFault(f"{cls.__name__}.{port.name}: it mirrors {port.mirrors!r}, which is no output")
    handler = getattr(cls, port.name)
    code = handler.__code__
    if code.co_flags & CO_COROUTINE and port.kind != "async":
        raise TypeFault(f"{cls.__name__}.{port.name}: only an async port may have an `async def` handler")
    names = list(code.co_varnames[1 : code.co_argcount])
    wanted = [parameter for parameter, _ in port.port.parameters]
    if port.is_array:
        names = names[1:]
    if names != wanted:
        takes, gives = ", ".join(names), ", ".join(wanted)
        raise TypeFault(f"{cls.__name__}.{port.name} takes ({takes}), {port.port.name} ({gives})")


class Component(metaclass=ComponentType):
    """What passive, queued and active components have in common. Authors derive from those three."""

    KIND = ""

    RESTARTABLE = True
    """Whether the instance may be started anew while the deployment runs; not if it does something once a boot."""

    THREAD_SIDE: ClassVar[tuple[str, ...]] = ()
    """Attributes that belong to a thread beside the loop: they are no part of the state, and a replay has none."""

    def __init__(self, context: Context) -> None:
        declared = type(self).__declarations__
        self._context = context
        self.name: str = context.name
        self._tags: TagSource = context.tags
        self._unsent: deque[ChannelCell] = deque()
        self._cells = [
            ChannelCell(channel, context.base_id + number, default, self._unsent)
            for channel, number, default in declared.channel_starts
        ]
        for name, setting in declared.settings.items():
            setattr(self, name, context.settings.get(name, setting.default))
        self._begin_anew()
        for name, opened in _open_outputs(type(self), context.name):
            setattr(self, name, opened if isinstance(opened, _OpenPort) else list(opened))

    def _begin_anew(self) -> None:
        """What the framework keeps for the author is as at the start; channels keep what the ground was told last."""
        declared = type(self).__declarations__
        for name, parameter in declared.parameters.items():
            setattr(self, name, parameter.default)
        for name, machine in declared.machines.items():
            setattr(self, name, self._context.run_machine(machine, self))

    def __init_subclass__(cls) -> None:
        if "__attrs_attrs__" in cls.__dict__:
            raise TypeFault(f"{cls.__name__}: attrs is for data; it would replace the component's __init__")

    def initialize(self) -> None:
        """Called before parameters are loaded: the place for the component's own state.

        An instance that is restarted is stopped, and initialised and started again.
        """

    def start(self) -> None:
        """Called once all is wired and parameters are loaded, in the order of the topology."""

    def stop(self) -> None:
        """Called at shutdown, in reverse order, after the queues were flushed."""

    def connections_changed(self) -> None:
        """Called after an output was bound to something else, for those who keep what an output was bound to."""

    def evidence(self) -> dict[str, Any]:
        """What it knows of why it does what it does, as plain values: `kittiwake explain` and `top` read it."""
        return {}

    def parameter_updated(self, name: str) -> None:
        """Called with the Python name of a parameter after it was set or loaded."""

    @property
    def clock(self) -> TaskClock:
        """Time since boot, and the waits that an `async def` handler may await."""
        return self._context.clock

    @property
    def platform(self) -> Platform:
        """The clock, random numbers, files and network of the machine."""
        return self._context.platform

    @property
    def root(self) -> Root:
        """The folder of the deployment's files; it resolves the names that come from outside."""
        return self._context.root

    def is_connected(self, port: object, index: int = 0) -> bool:
        """Whether an output port (`Cls.port`) is connected; `index` picks one of an array."""
        assert isinstance(port, (OutputPort, OutputPortArray)), "is_connected takes an output port of the class"
        bound = getattr(self, port.name)
        return not isinstance(bound[index] if port.is_array else bound, _OpenPort)

    def clear_throttle(self, event: object) -> None:
        """Lets a throttled event (`self.event` or its Python name) be reported again."""
        name = event if isinstance(event, str) else getattr(event, "__name__", "")
        state = self._context.throttles.get(name)
        if state is not None:
            state.count = 0


class EmitterMaker:
    """Stands in the class for an event, and gives an instance its emitter when it first emits.

    A boot is spared the several hundred emitters that it never uses; and the class needs no `__getattr__`, which would
    slow down every attribute of its instances.
    """

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        self._event = event

    def __get__(self, instance: Component | None, owner: type) -> Any:
        if instance is None:
            return self._event
        emit = instance._context.emitter(self._event)
        setattr(instance, self._event.name, emit)
        return emit


class _OpenPort:
    """Stands where an output port is not connected."""

    __slots__ = ("instance", "port")

    def __init__(self, instance: str, port: str) -> None:
        self.instance = instance
        self.port = port

    def __call__(self, *arguments: object) -> Any:
        raise PortNotConnected(self.instance, self.port)


@lru_cache(maxsize=OUTPUTS_KEPT)
def _open_outputs(cls: ComponentType, instance: str) -> list[tuple[str, _OpenPort | list[_OpenPort]]]:
    """What stands in an instance's outputs until they are connected: nothing of a life is in it."""
    return [
        (
            name,
            [_OpenPort(instance, f"{name}[{index}]") for index in range(output.size)]
            if output.is_array
            else _OpenPort(instance, name),
        )
        for name, output in cls.__declarations__.outputs.items()
    ]


class PassiveComponent(Component):
    """A component without a queue: all its handlers run in their callers."""

    KIND = PASSIVE


class QueuedComponent(Component):
    """A component with a queue that it empties itself, from one of its sync handlers, by `dispatch_queued`."""

    KIND = QUEUED

    def dispatch_queued(self, limit: int = 0) -> int:
        """Handles what is queued, at most `limit` messages (0: those there now); says how many were handled."""
        queue = self._context.queue
        assert queue is not None, "a queued component has a queue"
        return self._context.loop.serve_within(queue, limit)


class ActiveComponent(Component):
    """A component whose queue the loop empties, in the order of the instances' priorities."""

    KIND = ACTIVE


__all__ = ["ActiveComponent", "Component", "Declarations", "PassiveComponent", "QueuedComponent", "annotations_of"]
