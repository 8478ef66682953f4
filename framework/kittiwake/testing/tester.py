"""The component tester: one component in a real deployment, with a peer of the test's own at every port.

    tester = ComponentTester(StartupManager, settings={"boot_file": "/boot_count"})
    tester.call.run(0)                                     # calls an input port
    sent = tester.send("WAIT_FOR_QUIESCENCE")              # sends a command
    tester.advance(45 * 60)                                # virtual time
    assert sent.response is CommandResponse.OK
    assert tester.events.named("QuiescenceOver")
    assert tester.channels["BootCount"] == 1
    assert tester.ports.run_sequence == [("/startup.bin", 1)]
    tester.finish()                                        # every command was answered once, no handler failed

Calls and commands are served at once; within `with tester.held():` they stay queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kittiwake.model.codec import packer
from kittiwake.model.commands import CommandResponse
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.wiring import Entries
from kittiwake.storage.root import Root
from kittiwake.testing.disk import put_file
from kittiwake.testing.histories import PortArrayHistory, PortHistory, check_arguments, unknown
from kittiwake.testing.sent_command import SentCommand
from kittiwake.testing.services import RecordedCells, Records, TesterServices
from kittiwake.testing.strict import strict_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from kittiwake.model.component import Component, Declarations
    from kittiwake.model.parameters import Parameter
    from kittiwake.model.types import WireType
    from kittiwake.testing.histories import ChannelHistory, EventHistory, Findings, Trace
    from kittiwake.testing.products import SentProduct

C = TypeVar("C", bound="Component")

SERVICES = ("event", "telemetry", "command", "parameter", "health")
PEER = "tester"
ROOT = "/kittiwake"
TURNS_TO_SETTLE = 10_000


class ComponentTester(Generic[C]):
    """One instance `name` of `cls` at `base_id`, with a queue of `queue` messages if its kind has one.

    `settings` are those of the topology, `parameters` the values that the parameter service has saved, by name.
    `returns` gives output ports their return values (or functions) from the start; those in `open_ports` are left
    unconnected. `platform` is simulated under `seed` unless one is given; files live below `/kittiwake`.
    """

    def __init__(
        self, cls: type[C], *, base_id: int = 0x100, queue: int = 10, settings: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None, returns: Mapping[str, Any] | None = None,
        open_ports: Iterable[str] = (), seed: int = 0, platform: Any = None, name: str = "tested",
    ) -> None:  # fmt: skip
        self.declarations: Declarations = cls.__declarations__
        self.base_id = base_id
        self.name = name
        self.platform: Any = SimulatedPlatform(seed) if platform is None else platform
        self._class = strict_class(cls, self._connect)
        self._queue = queue
        self._settings = dict(settings or {})
        self._returns = dict(returns or {})
        self._open_ports = frozenset(open_ports)
        self._saved = {}
        for key, value in (parameters or {}).items():
            declared = self._parameter(key)
            self._saved[declared.label] = declared.type.pack(value)
        self._sequence = 0
        self._held = 0
        self._finished = False
        self.call = InputCalls(self)
        self.channels = Channels(self)
        self._boot()

    # Life

    def _boot(self) -> None:
        self._records = Records(self._class, self.base_id, self._saved)
        self.ports = OutputHistories(self.declarations, self._returns, self._records.trace)
        self._finished = False
        files = self.platform.files
        if not files.exists(ROOT):
            files.make_folder(ROOT)
            files.sync_folder("/")
        image = {
            "name": "ComponentTester", "version": "", "dictionary_hash": "",
            "instances": [
                (self.name, self._class, self.base_id, self._queue, 0, "", self._settings),
                (PEER, TesterServices, 0, 1, 0, "", {"records": self._records}),
            ],
            "connections": [], "services": dict.fromkeys(SERVICES, 1), "packets": [], "parameters": [],
        }  # fmt: skip
        self.deployment = Deployment(image, self.platform, Root(files, ROOT))
        self._entries = Entries(self.deployment)
        self._peer = self.deployment.instances[PEER]
        self.deployment.start()
        self._serve()

    def _connect(self, component: Component) -> None:
        """Binds the component's outputs and channels to their recorders, before it initializes."""
        for name, history in self.ports.by_name.items():
            if name in self._open_ports:
                continue
            if isinstance(history, PortArrayHistory):
                setattr(component, name, [one.record for one in history])
            else:
                setattr(component, name, history.record)
        recorder: Any = RecordedCells(self._records)
        for cell in component._cells:
            cell.pending = recorder

    @property
    def component(self) -> C:
        """The component under test itself."""
        component: Any = self.deployment.instances[self.name]
        return component  # type: ignore[no-any-return]

    def stop(self) -> None:
        """Shuts the component down: waiting handlers end, queues are flushed, `stop` is called. Once per boot."""
        if not self._finished:
            self._finished = True
            self.deployment.stop()

    def finish(self) -> None:
        """Shuts down and checks: exactly one response to each command, no handler failed."""
        self.stop()
        self.assert_all_answered()
        self.assert_no_faults()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()

    def reboot(self, off_s: float = 0.0) -> None:
        """Shuts down cleanly, restarts the machine and boots anew with the same disk; histories begin anew too."""
        self.finish()
        disk = self.platform.files.disk
        self.platform = self.platform.started_anew(self._next_seed(), disk, off_ns=round(off_s * NS_PER_S))
        self._boot()

    def restart(self) -> None:
        """Kills the process alone and starts it again: unsynced writes stay, commands under way are forgotten."""
        self.platform = self.platform.restart()
        self._boot()

    def crash(self, off_s: float = 0.0) -> None:
        """Cuts the power and boots anew with what the disk has kept; commands under way are forgotten."""
        self.platform = self.platform.crash(off_ns=round(off_s * NS_PER_S))
        self._boot()

    def _next_seed(self) -> int:
        return int.from_bytes(self.platform.random.token_bytes(8), "big")

    # Time

    def settle(self) -> None:
        """Serves what is queued or due, without letting time pass. Raises `AssertionError` if that has no end."""
        if not self.deployment.main.settle(TURNS_TO_SETTLE):
            raise AssertionError(f"{self.name} is still busy after {TURNS_TO_SETTLE} turns of the loop")

    def advance(self, seconds: float) -> None:
        """Lets virtual time pass, with all that is due in it."""
        self.deployment.run_for(seconds)
        self.settle()

    def held(self) -> Held:
        """`with tester.held():` leaves calls and commands queued until its end."""
        return Held(self)

    def _serve(self) -> None:
        if not self._held:
            self.settle()

    # Commands and parameters

    def send(self, name: str, *arguments: Any, **named: Any) -> SentCommand:
        """Sends a command by the dictionary's name or by Python's, <PARAMETER>_PRM_SET and _PRM_SAVE included.

        Raises `LookupError` for an unknown name, `TypeError` or `ValueError` for arguments that cannot be packed.
        """
        label, offset, parameters = self._command(name)
        values = [*arguments, *[named.pop(key) for key, _ in parameters[len(arguments) :] if key in named]]
        if named:
            raise TypeError(f"{label} has no argument {', '.join(named)}")
        check_arguments(label, parameters, values)
        return self._send(label, self.base_id + offset, packer([form for _, form in parameters])(*values))

    def send_raw(self, command: str | int, arguments: bytes) -> SentCommand:
        """Sends bytes as the arguments of a command, given by its name or its opcode."""
        if isinstance(command, str):
            label, offset, _ = self._command(command)
            return self._send(label, self.base_id + offset, arguments)
        return self._send(f"{command:#x}", command, arguments)

    def _send(self, label: str, opcode: int, data: bytes) -> SentCommand:
        self._sequence += 1
        sent = self._records.sent[self._sequence] = SentCommand(label, opcode, self._sequence)
        entry = self._records.command_entry
        assert entry is not None, "the deployment registers every instance with the command service"
        entry(opcode, self._sequence, data)
        self._serve()
        return sent

    def _command(self, name: str) -> tuple[str, int, list[tuple[str, WireType]]]:
        known = []
        for offset, (what, declared) in self.declarations.opcodes().items():
            if what == "call":
                label, parameters = declared.label, declared.parameters
            else:
                label = f"{declared.label}_PRM_{what.upper()}"
                parameters = [("value", declared.type)] if what == "set" else []
            if name == label or (what == "call" and name == declared.name):
                return label, offset, parameters
            known.append(label)
        raise LookupError(unknown("command", name, known))

    def _parameter(self, name: str) -> Parameter[Any]:
        for declared in self.declarations.parameters.values():
            if name in (declared.label, declared.name):
                return declared
        raise LookupError(unknown("parameter", name, [one.label for one in self.declarations.parameters.values()]))

    def set_parameter(self, name: str, value: Any) -> None:
        """Sets a parameter by its command. Raises `AssertionError` unless the answer is OK."""
        self._expect_ok(self.send(f"{self._parameter(name).label}_PRM_SET", value))

    def save_parameter(self, name: str) -> None:
        """Saves a parameter by its command. Raises `AssertionError` unless the answer is OK."""
        self._expect_ok(self.send(f"{self._parameter(name).label}_PRM_SAVE"))

    def _expect_ok(self, sent: SentCommand) -> None:
        if sent.response is not CommandResponse.OK:
            raise AssertionError(f"{sent!r}; findings: {self.monitor}")

    @property
    def parameters_saved(self) -> dict[str, Any]:
        """The values that the parameter service holds, by the dictionary's names; they outlive every restart."""
        return {label: self._parameter(label).type.unpack(data)[0] for label, data in self._saved.items()}

    # What was seen since the boot

    @property
    def events(self) -> EventHistory:
        """The events."""
        return self._records.events

    @property
    def responses(self) -> list[tuple[str, CommandResponse]]:
        """The responses to commands: name and response."""
        return self._records.responses

    @property
    def monitor(self) -> Findings:
        """What the runtime found: handlers that failed, queues that were full, commands refused and why."""
        return self._records.monitor

    @property
    def trace(self) -> Trace:
        """Events, port calls, channel writes and responses in one order."""
        return self._records.trace

    def channel(self, name: str) -> ChannelHistory:
        """The values written to one channel, by the dictionary's name or by Python's. Raises `LookupError`."""
        for history in self._records.channels.values():
            if name in (history.name, history.declared.name):
                return history
        raise LookupError(unknown("channel", name, list(self._records.channels)))

    @property
    def products(self) -> list[SentProduct]:
        """The data products that were sent, decoded. Raises `WireError` for one that is none."""
        from kittiwake.model.fw import DpSend
        from kittiwake.testing.products import sent_product

        outputs = [output for output in self.declarations.outputs.values() if output.port is DpSend]
        return [
            sent_product(packed, self.declarations, self.base_id)
            for output in outputs
            for _, packed in getattr(self.ports, output.name)
        ]

    def clear_history(self) -> None:
        """Forgets events, port calls, channel values, responses and findings so far."""
        records = self._records
        for history in (records.events, records.responses, records.monitor, records.trace):
            history.clear()
        for channel in records.channels.values():
            channel.clear()
        self.ports.clear()

    # Files

    @property
    def files(self) -> Any:
        """The simulated disk."""
        return self.platform.files

    @property
    def root(self) -> Root:
        """The folder of the component's files."""
        return self.deployment.root

    def write_file(self, name: str, data: bytes) -> None:
        """Puts a file into the root, durable at once; folders on the way are made."""
        put_file(self.files, self.root.resolve(name), data)

    def read_file(self, name: str, limit: int = 1 << 24) -> bytes:
        """A file in the root. Raises `OSError`."""
        data: bytes = self.files.read(self.root.resolve(name), limit)
        return data

    # Checks

    def assert_no_faults(self) -> None:
        """Raises `AssertionError` if a handler failed, an `assert` queue was full, or an answer was not asked for."""
        faults = [str(finding) for finding in self.monitor.faults()] + self._records.unasked
        if faults:
            raise AssertionError("faults of the component under test:\n  " + "\n  ".join(faults))

    def assert_all_answered(self) -> None:
        """Raises `AssertionError` unless each command since the boot has exactly one response."""
        wrong = [repr(sent) for sent in self._records.sent.values() if len(sent.responses) != 1]
        if wrong:
            raise AssertionError("commands without exactly one response:\n  " + "\n  ".join(wrong))


class Held:
    """The span in which a tester leaves messages queued."""

    def __init__(self, tester: ComponentTester[Any]) -> None:
        self._tester = tester

    def __enter__(self) -> None:
        self._tester._held += 1

    def __exit__(self, *_: object) -> None:
        self._tester._held -= 1
        self._tester._serve()


class InputCalls:
    """The input ports of the component under test: `tester.call.run(0)`, for arrays `tester.call.run[1](0)`."""

    def __init__(self, tester: ComponentTester[Any]) -> None:
        self._tester = tester

    def __getattr__(self, name: str) -> InputCall:
        inputs = self._tester.declarations.inputs
        if name not in inputs:
            raise AttributeError(unknown("input port", name, list(inputs)))
        return InputCall(self._tester, name, None)


class InputCall:
    """One input port; a call returns what the handler returns, for an async one whether there was room."""

    def __init__(self, tester: ComponentTester[Any], name: str, index: int | None) -> None:
        self._tester = tester
        self._declared = tester.declarations.inputs[name]
        self._index = index

    def __getitem__(self, index: int) -> InputCall:
        if not self._declared.is_array or not 0 <= index < self._declared.size:
            raise IndexError(f"{self._declared.name} has no index {index}")
        return InputCall(self._tester, self._declared.name, index)

    def __call__(self, *arguments: Any) -> Any:
        declared, tester = self._declared, self._tester
        if declared.is_array and self._index is None:
            raise TypeError(f"{declared.name} is an array: call {declared.name}[index](...)")
        check_arguments(declared.name, declared.port.parameters, arguments)
        call = tester._entries.call(tester.component, declared.name, self._index or 0, tester._peer._context)
        returned = call(*arguments)
        tester._serve()
        return returned


class OutputHistories:
    """The calls of the output ports: `tester.ports.run_sequence`, for arrays `tester.ports.cycle_out[1]`."""

    def __init__(self, declared: Declarations, returns: Mapping[str, Any], trace: Trace) -> None:
        self.by_name: dict[str, Any] = {}
        for name, output in declared.outputs.items():
            if output.is_array:
                members = [PortHistory(f"{name}[{index}]", output.port, trace) for index in range(output.size)]
                self.by_name[name] = PortArrayHistory(members)
            else:
                members = [PortHistory(name, output.port, trace)]
                self.by_name[name] = members[0]
            for history in members:
                history.returns = returns.get(name, history.returns)
        for name in returns:
            getattr(self, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.by_name:
            raise AttributeError(unknown("output port", name, list(self.__dict__.get("by_name", ()))))
        return self.by_name[name]

    def clear(self) -> None:
        """Forgets all calls."""
        for history in self.by_name.values():
            if isinstance(history, PortArrayHistory):
                history.clear_calls()
            else:
                history.clear()


class Channels:
    """The latest value of each channel that was written: `tester.channels["BootCount"]`, `None` if it was not."""

    def __init__(self, tester: ComponentTester[Any]) -> None:
        self._tester = tester

    def __getitem__(self, name: str) -> Any:
        return self._tester.channel(name).value

    def latest(self) -> dict[str, Any]:
        """Name and latest value of all that were written."""
        written = self._tester._records.channels
        return {name: history.value for name, history in written.items() if history.history}
