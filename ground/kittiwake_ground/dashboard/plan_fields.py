"""The fields that say what is planned: a command with its arguments, a sequence that is on board, or a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from nicegui import ui

from kittiwake_ground.dashboard.argument_form import ArgumentForm
from kittiwake_ground.dashboard.argument_view import ArgumentView
from kittiwake_ground.dashboard.remote_field import RemoteField
from kittiwake_ground.dashboard.upload_card import FORM_ROOM
from kittiwake_ground.dashboard.upload_fields import UploadFields
from kittiwake_ground.passes.planned import COMMAND, SEQUENCE, UPLOAD
from kittiwake_ground.passes.store import MAX_CONTENT
from kittiwake_ground.server.confirming import hazards_of, hazards_text
from kittiwake_ground.server.transfer import CFDP, PACKETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kittiwake_ground.dashboard.page import Context

    Offer = Callable[[bool], None]
    Press = Callable[[], Awaitable[None]]


class PlanFields(Protocol):
    """Fields for one kind of plan.

    They are made of the page's context, `offer`, which is told when there is something to plan and whether that is to
    be armed, `changed`, which is told of whatever is entered, and `press`, which is told of Enter.
    """

    kind: str

    @property
    def subject(self) -> str:
        """The command's name, or the name on board."""

    @property
    def detail(self) -> Mapping[str, Any]:
        """What else `Ways.check` takes. Raises `ValueError`."""

    @property
    def content(self) -> bytes | None:
        """What is in the file."""

    def problems(self) -> list[tuple[str, str]]:
        """What is wrong, by field; it is shown at the fields, too."""


class CommandFields:
    """A command: which, and its arguments by the dictionary."""

    kind = COMMAND
    content = None

    def __init__(self, context: Context, offer: Offer, changed: Callable[[], None], press: Press) -> None:
        self._context = context
        self._offer, self._changed, self._press = offer, changed, press
        self._form: ArgumentForm | None = None
        self._view: ArgumentView | None = None
        names = sorted(context.deployment.dictionary.commands)
        choice = ui.select(names, label="Command", with_input=True, on_change=lambda change: self._choose(change.value))
        choice.props('outlined dense options-dense data-field=plan-command aria-label="Command to plan"')
        choice.classes("kw-wide")
        self._box = ui.element("div").classes("kw-fields kw-wide")
        self._box.set_visibility(False)

    def _choose(self, name: str | None) -> None:
        self._box.clear()
        self._form = self._view = None
        if not name:
            return
        dictionary = self._context.deployment.dictionary
        self._form = ArgumentForm(dictionary.command(name), dictionary.find_id)
        self._box.set_visibility(bool(self._form.fields))
        with self._box:
            if self._form.fields:
                self._view = ArgumentView(self._form.fields, {}, self._changed, self._press)
        self._offer(name in self._context.deployment.hazardous)

    @property
    def subject(self) -> str:
        return "" if self._form is None else self._form.command.name

    @property
    def detail(self) -> Mapping[str, Any]:
        return {} if self._form is None else {"arguments": self._form.arguments()}

    def problems(self) -> list[tuple[str, str]]:
        if self._form is None:
            return [("command", "choose one")]
        problems = self._form.problems()
        if problems and self._view is not None:
            self._view.complain()
        return problems


class SequenceFields:
    """The run of a sequence: which file on board, and which sequencer runs it."""

    kind = SEQUENCE
    content = None

    def __init__(self, context: Context, offer: Offer, changed: Callable[[], None], press: Press) -> None:
        self._context = context
        self._sequences = context.deployment.sequences
        self._told = changed
        sequencers = list(self._sequences.sequencers)
        self._remote = RemoteField(context, "Sequence on board", self._sequences.files.paths, self._changed, press)
        self._sequencer = ui.select(sequencers, value=sequencers[0] if sequencers else None, label="Sequencer")
        self._sequencer.props("outlined dense options-dense data-field=plan-sequencer").classes("kw-wide")
        self._sequencer.set_visibility(len(sequencers) > 1)
        self._note = ui.label().classes("kw-muted kw-anywhere").props("aria-live=polite data-plan-note")
        if sequencers:
            offer(False)
        else:
            self._note.set_text("The deployment has no sequencer.")

    @property
    def subject(self) -> str:
        return self._remote.path

    @property
    def detail(self) -> Mapping[str, Any]:
        return {"sequencer": str(self._sequencer.value or "")}

    def problems(self) -> list[tuple[str, str]]:
        return [] if self.subject else [("sequence", "name the file on board")]

    def _changed(self) -> None:
        """Says what is known of the file."""
        remote = self.subject
        files = self._sequences.files
        hazards = hazards_of(files.commands_of(remote), self._context.deployment.hazardous)
        said = hazards_text("It", hazards) if hazards else "It sends nothing hazardous."
        if not files.knows(remote):
            said = "What is in it is not known here."
        self._note.set_text(said if remote else "")
        self._note.classes(replace="kw-anywhere " + ("kw-warning" if remote and hazards else "kw-muted"))
        self._told()


class FileFields:
    """A file: what is in it, its name on board, and its way."""

    kind = UPLOAD

    def __init__(self, context: Context, offer: Offer, changed: Callable[[], None], press: Press) -> None:
        limit = min(MAX_CONTENT, context.ground.configuration.max_upload_size - FORM_ROOM)
        self._fields = UploadFields(limit, changed, press)
        offer(False)

    @property
    def subject(self) -> str:
        return self._fields.remote

    @property
    def detail(self) -> Mapping[str, Any]:
        return {"way": CFDP if self._fields.by_cfdp else PACKETS, "name": self._fields.name}

    @property
    def content(self) -> bytes | None:
        return self._fields.content

    def problems(self) -> list[tuple[str, str]]:
        if self.content is None:
            return [("file", "choose one")]
        return [] if self.subject else [("remote name", "is needed")]

    def clear(self) -> None:
        """Forgets the file, which is planned."""
        self._fields.clear()


FIELDS: Mapping[str, type[CommandFields | SequenceFields | FileFields]] = {
    COMMAND: CommandFields, SEQUENCE: SequenceFields, UPLOAD: FileFields,
}  # fmt: skip
