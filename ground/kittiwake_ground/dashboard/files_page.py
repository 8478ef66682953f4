"""The page of files: up, down, what is there, and how every transfer fares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.life_html import transfer_html
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.record_list import MAX_SHOWN, Action, RecordList
from kittiwake_ground.dashboard.remote_folder import RemoteFolder
from kittiwake_ground.dashboard.upload_card import UploadCard
from kittiwake_ground.server.views import transfer_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.subscription import Update


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<link rel="stylesheet" href="/kittiwake/actions.css">')
    if context.may_act:
        with ui.element("div").classes("kw-halves"):
            with ui.column().classes("kw-stack"):
                with ui.card().classes("kw-card kw-wide"):
                    upload = UploadCard(context)
                with ui.card().classes("kw-card kw-wide"):
                    _show_download(context)
            with ui.card().classes("kw-card"):
                RemoteFolder(context, lambda remote: _download(context, remote), upload.go_to)
    else:
        ui.label(context.unable_text("moves files and lists folders")).classes("kw-muted")
    with ui.card().classes("kw-card kw-wide"):
        ui.label("Transfers").classes("kw-heading")
        _show_transfers(context)


def _show_download(context: Context) -> None:
    def begin() -> None:
        name = str(remote.value or "").strip()
        if name and _download(context, name):
            remote.set_value("")

    ui.label("Download").classes("kw-heading")
    with ui.row().classes("kw-bar kw-nowrap"):
        remote = ui.input("Remote name").props(
            "outlined dense input-class=kw-mono spellcheck=false autocomplete=off data-field=download data-key=/"
        )
        remote.classes("kw-grow").on("keydown.enter", begin)
        button = ui.button("Download", icon="arrow_downward", on_click=begin)
        button.props("unelevated no-caps data-action=download")
    button.bind_enabled_from(remote, "value", lambda value: bool(str(value or "").strip()))


def _download(context: Context, remote: str) -> bool:
    try:
        by = context.act("download", remote)
        context.deployment.transfers.download(remote, by)
    except (Refused, ValueError, LookupError) as fault:
        complain(fault)
        return False
    return True


def _show_transfers(context: Context) -> None:
    transfers = context.deployment.transfers

    def cancel(record: Mapping[str, Any]) -> None:
        try:
            context.act("transfer given up", record["remote"])
            transfers.cancel(record["id"])
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)

    def save(record: Mapping[str, Any]) -> None:
        ui.navigate.to(f"/api/v1/deployments/{context.deployment.name}/transfers/{record['id']}/content")

    def is_here(record: Mapping[str, Any]) -> bool:
        transfer = transfers.records.get(record["id"])
        return transfer is not None and transfer.state == "completed" and transfer.path is not None

    stopping = (Action("close", "Give up", lambda record: not record["final"], cancel),) if context.may_act else ()
    shown = RecordList(
        transfer_html, (Action("save_alt", "Save", is_here, save), *stopping), "No file was moved since the start."
    )
    for transfer in list(transfers.records.values())[-MAX_SHOWN:]:
        shown.show(transfer_object(transfer))

    def tick(updates: list[Update]) -> None:
        for transfer in {one.subject.id: one.subject for one in updates if one.kind == "transfers"}.values():
            shown.show(transfer_object(transfer))

    context.on_tick(tick)
