"""The page of sequences: write one, see what is wrong with it and when it would do what, bring it up, run it, watch."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.confirmation import confirmed
from kittiwake_ground.dashboard.life_html import transfer_html
from kittiwake_ground.dashboard.overview_facts import size_text
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.sequence_editor import SequenceEditor, dry_run_html, faults_html
from kittiwake_ground.dashboard.sequence_runs import SequenceRuns
from kittiwake_ground.dashboard.sequence_shelf import SequenceShelf
from kittiwake_ground.dashboard.sequence_texts import SequenceTexts
from kittiwake_ground.server.confirming import hazards_of, hazards_text
from kittiwake_ground.server.views import transfer_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.subscription import Update
    from kittiwake_ground.server.transfers import Transfer

PICK_LINE = "(event) => { const found = event.target.closest('[data-line]'); if (found) emit(found.dataset.line); }"


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<link rel="stylesheet" href="/kittiwake/actions.css">')
    texts = SequenceTexts(context.ground.configuration.folder / "sequences" / context.deployment.name)
    with ui.element("div").classes("kw-sides"):
        shelf_card = ui.card().classes("kw-card kw-side kw-narrow-side")
        with ui.card().classes("kw-card kw-main"):
            desk = _Desk(context, texts)
    with shelf_card:
        SequenceShelf(context, texts, desk.shelf_opened, lambda: desk.name)
    with ui.element("div").classes("kw-halves"):
        with ui.card().classes("kw-card"):
            desk.show_findings()
        with ui.card().classes("kw-card"):
            ui.label("Runs").classes("kw-heading")
            SequenceRuns(context)


class _Desk:
    """The text that is worked on, and the way up for it."""

    def __init__(self, context: Context, texts: SequenceTexts) -> None:
        self._context = context
        self._texts = texts
        self._known: str | None = None
        self._sent: tuple[Transfer, bytes] | None = None
        self.name = ""
        """The name under which the text was opened or saved, or the empty string."""
        with ui.row().classes("kw-bar"):
            self._name = ui.input("Name", value="").props(
                "outlined dense input-class=kw-mono spellcheck=false autocomplete=off suffix=.seq data-field=name"
            )
            self._name.classes("kw-grow").on_value_change(self._named)
            self._save_button = ui.button("Save", icon="save", on_click=self.save).props(
                "outline no-caps data-action=save"
            )
            self._save_button.set_visibility(context.may_act)
        self.editor = SequenceEditor(context, self._changed, self.save)
        self._status = ui.html("", sanitize=False).classes("kw-wide kw-status").props("aria-live=polite")
        self._findings: ui.html | None = None
        if context.may_act:
            self._show_way_up()
        context.on_tick(self._tick)
        self._changed()

    def _show_way_up(self) -> None:
        sequencers = list(self._context.deployment.sequences.sequencers)
        with ui.row().classes("kw-bar"):
            self._remote = ui.input("Remote name").props(
                "outlined dense input-class=kw-mono spellcheck=false autocomplete=off data-field=remote"
            )
            self._remote.classes("kw-grow")
            self._upload_button = ui.button("Upload", icon="arrow_upward", on_click=self._upload)
            self._upload_button.props("unelevated no-caps data-action=upload")
            self._sequencer = ui.select(sequencers, value=sequencers[0] if sequencers else None, label="Sequencer")
            self._sequencer.props("outlined dense options-dense").set_visibility(len(sequencers) > 1)
            self._run_button = ui.button("Run", icon="play_arrow", on_click=self._run)
            self._run_button.props("unelevated no-caps data-action=run")
            self._run_button.bind_enabled_from(self._remote, "value", lambda value: bool(str(value or "").strip()))
        self._transfer = ui.html("", sanitize=False).classes("kw-wide")
        if not sequencers:
            ui.label("The deployment has no sequencer.").classes("kw-warning")

    def show_findings(self) -> None:
        """Faults, or the dry run."""
        self._title = ui.label("Dry run").classes("kw-heading")
        self._findings = ui.html("", sanitize=False).classes("kw-wide")
        self._findings.on("click", lambda event: self.editor.reveal(int(event.args)), js_handler=PICK_LINE)
        self._changed()

    # The text

    async def shelf_opened(self, name: str) -> None:
        """Opens a text of the shelf, or begins a new one for the empty name."""
        try:
            text = self._texts.read(name) if name else ""
        except (ValueError, OSError) as fault:
            complain(fault)
            return
        if self.editor.text != (self._known or "") and not await self._may_drop():
            return
        self.name, self._known = name, text if name else None
        self._name.set_value(name.removesuffix(".seq"))
        await self.editor.open(name or "sequence", text)
        self._changed()

    def save(self) -> None:
        """Keeps the text."""
        if not self._context.may_act:
            return
        wanted = str(self._name.value or "")
        same = bool(self.name) and wanted.strip().removesuffix(".seq") == self.name.removesuffix(".seq")
        text = self.editor.text
        try:
            self._context.act("sequence text saved", wanted)
            self.name = self._texts.write(wanted, text, self._known if same else None)
        except (Refused, ValueError, OSError) as fault:
            complain(fault)
            return
        self._known = text
        ui.notify(f"{self.name} is saved.", type="positive", position="top")
        self._changed()

    def _named(self) -> None:
        stem = str(self._name.value or "").strip().removesuffix(".seq")
        if self._context.may_act and stem:
            self._remote.set_value(f"/{stem}.bin")
        self._changed()

    def _changed(self) -> None:
        checked, text = self.editor.checked, self.editor.text
        blank = not text.strip()
        if self._findings is not None:
            if blank:
                self._findings.set_content('<div class="kw-muted">Write a sequence, or open one.</div>')
            elif checked is not None:
                self._title.set_text("Faults" if checked.faults else "Dry run")
                self._findings.set_content(faults_html(checked) if checked.faults else dry_run_html(checked.steps))
        self._status.set_content(self._status_html(blank))
        if self._context.may_act:
            good = checked is not None and not checked.faults and not blank
            self._upload_button.set_enabled(good)
            self._show_transfer()

    def _status_html(self, blank: bool) -> str:
        checked, text = self.editor.checked, self.editor.text
        kept = "" if blank else "saved" if self._known == text and self.name else "not saved"
        if blank:
            said = '<span class="kw-muted">empty</span>'
        elif checked is None:
            said = '<span class="kw-muted">checking...</span>'
        elif checked.faults:
            count = len(checked.faults)
            said = f'<span class="kw-bad">{count} {"fault" if count == 1 else "faults"}</span>'
        else:
            steps = len(checked.steps)
            said = (
                f'<span class="kw-good">compiles</span> to {size_text(len(checked.binary))}, '
                f"{steps} {'step' if steps == 1 else 'steps'}"
            )
            hazards = hazards_of(checked.commands, self._context.deployment.hazardous)
            if hazards:
                said += f' <span class="kw-warning">{escape(hazards_text("It", hazards))}</span>'
        return f'<span data-check>{said}</span><span class="kw-muted">{kept}</span>'

    # The way up, and the run

    async def _may_drop(self) -> bool:
        said = f"Drop the changes to {self.name or 'the new sequence'}?"
        return await confirmed(said, "They are not saved.", "Go on editing", "Drop them")

    async def _is_meant(self, remote: str, commands: Iterable[str], go_on: str) -> bool:
        hazards = hazards_of(commands, self._context.deployment.hazardous)
        return not hazards or await confirmed(hazards_text(remote, hazards), "Are they meant?", "Cancel", go_on)

    async def _upload(self) -> None:
        checked, remote = self.editor.checked, str(self._remote.value or "").strip()
        if checked is None or checked.faults or not await self._is_meant(remote, checked.commands, "Upload it"):
            return
        context = self._context
        try:
            by = context.act("sequence upload", remote)
            transfer = context.deployment.transfers.upload(checked.binary, remote, by)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return
        self._sent = (transfer, checked.binary)
        self._show_transfer()

    async def _run(self) -> None:
        remote, sequences = str(self._remote.value or "").strip(), self._context.deployment.sequences
        if not remote:
            complain("name the file of the deployment that is to be run")
            return
        if not await self._is_meant(remote, sequences.files.commands_of(remote), "Run it"):
            return
        try:
            by = self._context.act("sequence run", remote)
            sequences.run(remote, by, str(self._sequencer.value or ""))
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)

    def _tick(self, updates: list[Update]) -> None:
        if self._sent is not None and any(one.subject is self._sent[0] for one in updates if one.kind == "transfers"):
            self._show_transfer()

    def _show_transfer(self) -> None:
        if self._sent is None:
            return
        transfer, binary = self._sent
        checked = self.editor.checked
        differs = transfer.state == "completed" and checked is not None and checked.binary != binary
        note = '<div class="kw-warning">The text has changed since: what is up there is the older one.</div>'
        self._transfer.set_content(
            f'<div class="kw-row kw-flat" data-transfer="{escape(transfer.state)}"><div class="kw-row-body">'
            f"{transfer_html(transfer_object(transfer))}{note if differs else ''}</div></div>"
        )
