"""The deployment's folders as a tree that is listed as it is opened."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.life_html import clock_text
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.remote_tree import NOTE, PENDING, ROOT, RemoteTree
from kittiwake_ground.server.folders import ListingFailed
from kittiwake_ground.server.instances import commands_called
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import GenericEventArguments, ValueChangeEventArguments

    from kittiwake_ground.dashboard.page import Context

REMOVE_COMMAND = "RemoveFile"

HEADER = """
<div class="kw-node" :class="{'kw-muted': props.node.note, 'kw-bad': props.node.bad}">
  <q-icon v-if="!props.node.note" :name="props.node.folder ? 'folder' : 'description'" size="18px" />
  <span class="kw-node-name">{{ props.node.label }}</span>
  <span v-if="props.node.file" class="kw-node-size">{{ props.node.size }}</span>
  <q-btn v-if="props.node.folder && props.node.id != '/'" icon="refresh" flat round dense size="sm"
    aria-label="List again" @click.stop="() => $parent.$emit('relist', props.node.id)" />
  <q-btn v-if="props.node.file" icon="TAKE_ICON" flat round dense size="sm" aria-label="TAKE_TITLE"
    @click.stop="() => $parent.$emit('fetch', props.node.id)" />
  <q-btn v-if="props.node.file && REMOVABLE" icon="delete" flat round dense size="sm" aria-label="Remove"
    @click.stop="() => $parent.$emit('remove', props.node.id)" />
</div>
"""


class RemoteFolder:
    """The tree. `fetch` is told of a file to bring down, `chosen` of the folder that was opened last.

    With `picks` the tree is for choosing a file: `fetch` is told of that, and nothing is removed.
    """

    def __init__(
        self, context: Context, fetch: Callable[[str], object], chosen: Callable[[str], None], picks: bool = False
    ) -> None:
        self._context = context
        self._fetch = fetch
        self._chosen = chosen
        self._tree = RemoteTree()
        self._listing: set[str] = set()
        removing = commands_called(context.deployment.dictionary, REMOVE_COMMAND, 2)
        self._remove_command = removing[0].name if len(removing) == 1 and not picks else ""
        with ui.row().classes("kw-bar"):
            ui.label("Remote folder").classes("kw-heading")
            self._busy = ui.spinner(size="16px")
            self._note = ui.label().classes("kw-muted kw-note")
            ui.space()
            ui.button("List", icon="refresh", on_click=lambda: self.look(ROOT)).props(
                "outline no-caps dense data-action=list"
            )
        self._shown = ui.tree(self._tree.nodes(), on_expand=self._expanded).classes("kw-wide kw-tree")
        self._shown.props("dense no-transition")
        self._shown.add_slot("default-header", _header(bool(self._remove_command), picks))
        self._shown.on("relist", lambda event: self.look(str(event.args)))
        self._shown.on("fetch", lambda event: self._fetch(str(event.args)))
        self._shown.on("remove", self._ask)
        self._busy.set_visibility(False)

    async def look(self, path: str) -> None:
        """Has the deployment list a folder."""
        if path in self._listing:
            return
        self._listing.add(path)
        self._busy.set_visibility(True)
        self._note.set_text(f"asking for {path}")
        try:
            by = self._context.act("folder listed", path)
            self._tree.take(await self._context.deployment.folders.list(path, by))
            self._note.set_text(f"{path} as of {clock_text(now_us())[:8]}")
            self._chosen(path)
        except ListingFailed as fault:
            self._note.set_text("")
            self._tree.fail(path, str(fault))
        except (Refused, ValueError, LookupError) as fault:
            self._note.set_text("")
            complain(fault)
        finally:
            self._listing.discard(path)
            self._busy.set_visibility(bool(self._listing))
        self._show()
        self._shown.expand([path])

    def _show(self) -> None:
        self._shown.props["nodes"] = self._tree.nodes()

    async def _expanded(self, event: ValueChangeEventArguments[list[str]]) -> None:
        for path in event.value:
            if not path.startswith((PENDING, NOTE)) and path not in self._listing and not self._tree.is_listed(path):
                await self.look(path)

    async def _ask(self, event: GenericEventArguments) -> None:
        path = str(event.args)
        with ui.dialog() as dialog, ui.card().classes("kw-card"):
            ui.html(f"Remove <b class='kw-mono'>{escape(path)}</b> from {escape(self._context.deployment.name)}?",
                    sanitize=False)  # fmt: skip
            ui.label("The deployment removes it for good.").classes("kw-muted")
            with ui.row().classes("kw-bar kw-end"):
                ui.button("Keep it", on_click=lambda: dialog.submit(False)).props("outline no-caps autofocus")
                ui.button("Remove", on_click=lambda: dialog.submit(True)).props(
                    "unelevated no-caps color=negative data-action=remove"
                )
        agreed: Any = await dialog
        dialog.delete()
        if agreed:
            await self._remove(path)

    async def _remove(self, path: str) -> None:
        try:
            by = self._context.act("command", f"{self._remove_command} {path}")
            record = self._context.deployment.commands.submit(self._remove_command, [path, False], by)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return
        ui.notify(f"Asked the deployment to remove {path}.", position="top")
        await record.wait()
        if record.state != "completed":
            complain(f"{path}: {record.response or record.state} {record.reason}")
            return
        ui.notify(f"{path} is removed.", type="positive", position="top")
        await self.look(path.rpartition("/")[0] or ROOT)


def _header(removable: bool, picks: bool) -> str:
    """What is shown of a node."""
    icon, title = ("check", "Choose") if picks else ("arrow_downward", "Download")
    words = {"REMOVABLE": "true" if removable else "false", "TAKE_ICON": icon, "TAKE_TITLE": title}
    shown = HEADER
    for word, meant in words.items():
        shown = shown.replace(word, meant)
    return shown
