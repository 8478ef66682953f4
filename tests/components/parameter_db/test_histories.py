"""ParameterDb against a model: whatever is set, saved, staged, committed, reset, written, restarted or cut off."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.strategies import values_of
from kittiwake_components.parameter_db.constants import Merge
from kittiwake_components.parameter_db.database_file import pack_database
from tests.components.parameter_db.deployed import NUMBERS, Database, packed, saved

PARAMETERS = Database.__declarations__.parameters
NAMES = st.sampled_from(sorted(PARAMETERS))
SETS = st.dictionaries(NAMES, st.none(), max_size=4).flatmap(
    lambda names: st.fixed_dictionaries({name: values_of(PARAMETERS[name].type, ascii_only=True) for name in names})
)
DEFAULTS = {name: one.default for name, one in PARAMETERS.items()}
OK = CommandResponse.OK


class Histories(RuleBasedStateMachine):
    """What the database, its file and the components should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.tester = ComponentTester(Database)
        self.database: dict[str, Any] = {}
        self.file: dict[str, Any] = {}
        self.running = dict(DEFAULTS)
        self.staged: tuple[dict[str, Any], Merge] | None = None

    def teardown(self) -> None:
        self.tester.finish()

    @rule(data=st.data(), name=NAMES)
    def set_and_save(self, data: st.DataObject, name: str) -> None:
        value = data.draw(values_of(PARAMETERS[name].type, ascii_only=True))
        self.tester.set_parameter(name, value)
        self.running[name] = value
        if data.draw(st.booleans()):
            self.tester.call.set_prm(NUMBERS[name], packed(name, value))
            self.database[name] = value

    @rule()
    def write(self) -> None:
        assert self.tester.send("PRM_SAVE_FILE").response is OK
        self.file = dict(self.database)

    @rule(values=SETS, merge=st.sampled_from(Merge))
    def stage(self, values: dict[str, Any], merge: Merge) -> None:
        content = pack_database({NUMBERS[name]: packed(name, value) for name, value in values.items()})
        self.tester.write_file("/up.dat", content)
        assert self.tester.send("PRM_LOAD_FILE", "/up.dat", merge).response is OK
        self.staged = (values, merge)

    @rule()
    def stage_rubbish(self) -> None:
        self.tester.write_file("/up.dat", pack_database({NUMBERS["gain"]: packed("gain", 1), 1: b""}))
        assert self.tester.send("PRM_LOAD_FILE", "/up.dat", Merge.MERGE).response is not OK
        self.staged = None

    @precondition(lambda self: self.staged is not None)
    @rule()
    def commit(self) -> None:
        assert self.staged is not None
        values, merge = self.staged
        assert self.tester.send("PRM_COMMIT_STAGED").response is OK
        if merge is Merge.RESET:
            self.running.update({name: DEFAULTS[name] for name in self.database})
            self.database.clear()
        self.database.update(values)
        self.running.update(values)
        self.staged = None

    @rule(name=NAMES)
    def reset(self, name: str) -> None:
        assert self.tester.send("PRM_RESET_DEFAULT", NUMBERS[name]).response is OK
        self.database.pop(name, None)
        self.running[name] = DEFAULTS[name]

    @rule(how=st.sampled_from(["reboot", "restart", "crash"]))
    def start_again(self, how: str) -> None:
        getattr(self.tester, how)()
        self.database = dict(self.file)
        # The tester serves the component's own parameters: they begin with their defaults.
        self.running = dict(DEFAULTS)
        self.staged = None

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        for name in PARAMETERS:
            # What went through a record has the record's precision.
            assert saved(self.tester, name) == _as_kept(name, self.database.get(name))
            assert _as_kept(name, getattr(self.tester.component, name)) == _as_kept(name, self.running[name])
        assert self.tester.component.records == len(self.database)


def _as_kept(name: str, value: Any) -> Any:
    return None if value is None else PARAMETERS[name].type.unpack(packed(name, value))[0]


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=40, stateful_step_count=25)
