"""The form that adds a contact, and the files that are taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake.faults import Faults
from kittiwake_ground.client.times import span_s
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.passes_html import clock_text
from kittiwake_ground.dashboard.power_facts import span_text
from kittiwake_ground.dashboard.when_fields import moment_us
from kittiwake_ground.passes.contact import Contact
from kittiwake_ground.passes.reading import MAX_TEXT, read_contacts

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.passes.passes import Passes

MAX_LISTED = 100
REMOVE = "(event) => { const found = event.target.closest('[data-remove]'); if (found) emit(found.dataset.remove); }"


class ContactForm:
    """Fields for a contact, a button for a file, and the contacts that there are."""

    def __init__(self, context: Context, passes: Passes) -> None:
        self._context = context
        self._passes = passes
        if context.may_act:
            self._build()
        self._list = ui.html("", sanitize=False).classes("kw-wide")
        self._list.on("click", lambda event: self._remove(str(event.args)), js_handler=REMOVE)
        self._content = ""

    def _build(self) -> None:
        start = datetime.now(UTC) + timedelta(hours=1)
        with ui.element("div").classes("kw-contact-fields"):
            self._fields = {
                key: ui.input(label, value=value).props(f'outlined dense data-field=contact-{key} hint="{hint}"')
                for key, label, value, hint in (
                    ("start", "Start, UTC", f"{start:%Y-%m-%d %H:%M:00}", ""), ("for", "For", "10m", "90s, 10m, 2h"),
                    ("name", "Name", "", ""), ("link", "Link", "", "rates are measured of each"),
                    ("down", "Down, bit/s", "", "empty: as measured"), ("up", "Up, bit/s", "", "empty: as measured"),
                    ("every", "Every", "", "as in 24h; empty: once"),
                )
            }  # fmt: skip
        with ui.element("div").classes("kw-bar"):
            add = ui.button("Add", icon="add", on_click=self._add)
            add.props("unelevated no-caps data-action=add-contact")
            upload = ui.upload(auto_upload=True, max_file_size=MAX_TEXT, on_upload=self._take).classes("kw-uploader")
            upload.props('accept=".csv,.ics,text/*"')
            pick = ui.button("Import CSV or iCalendar", icon="upload_file").props("outline no-caps")
            pick.on("click", js_handler=f"() => getElement({upload.id}).$refs.qRef.pickFiles()")
        self._faults = LiveHtml("kw-wide")

    def refresh(self) -> None:
        """Shows the contacts that there are by now."""
        contacts = sorted(self._passes.schedule.contacts.values(), key=lambda one: one.start_us)
        now_us = self._passes.clocks.wall_us()
        ahead = [one for one in contacts if any(True for _ in one.starts(now_us))]
        rows = "".join(self._row(one) for one in ahead[:MAX_LISTED])
        content = f'<table class="kw-waiting"><tbody>{rows}</tbody></table>' if rows else ""
        if content != self._content:
            self._content = content
            self._list.set_content(content)

    def _row(self, one: Contact) -> str:
        again = f", each {span_text(one.every_s)}" if one.every_s else ""
        removable = self._context.may_act and one.origin != "predicted"
        button = (
            f'<button type="button" class="kw-link-button" data-remove="{one.id}" '
            f'aria-label="Remove {escape(one.name or str(one.id))}">remove</button>'
            if removable
            else ""
        )
        return (
            f'<tr data-contact="{one.id}"><td><b>{escape(one.name or f"contact {one.id}")}</b> '
            f'<span class="kw-muted">{escape(one.link)}</span></td><td>{clock_text(one.start_us)}</td>'
            f'<td>{span_text(one.duration_s)}{again}</td><td class="kw-muted">{escape(one.origin)}</td>'
            f"<td>{button}</td></tr>"
        )

    def _add(self) -> None:
        given = {key: str(field.value or "").strip() for key, field in self._fields.items()}
        try:
            made = Contact(**_contact(given))
            by = self._context.act("contact added", f"{made.name} {clock_text(made.start_us)}")
            self._passes.schedule.add(made)
        except (Refused, ValueError, OSError) as fault:
            complain(fault)
            return
        ui.notify(f"Added by {by}.", type="positive", position="top")
        self.refresh()

    async def _take(self, event: Any) -> None:
        self._faults.show("")
        try:
            text = (await event.file.read()).decode("utf-8")
            by = self._context.act("contacts imported", str(event.file.name))
            read = read_contacts(text, str(event.file.name), by, self._passes.clocks.wall_us())
            taken, _ = self._passes.schedule.take_file(read)
        except Faults as found:
            lines = "".join(f"<li>{escape(str(one))}</li>" for one in found.faults[:20])
            self._faults.show(f'<ul class="kw-bad">{lines}</ul>')
            return
        except (Refused, ValueError, OSError) as fault:
            complain(fault)
            return
        ui.notify(f"{len(taken)} contacts taken.", type="positive", position="top")
        self.refresh()

    def _remove(self, id: str) -> None:
        if not id.isdecimal():
            return
        try:
            self._context.act("contact removed", f"#{id}")
            self._passes.schedule.remove(int(id))
        except (Refused, LookupError, OSError) as fault:
            complain(fault)
        self.refresh()


def _contact(given: dict[str, str]) -> dict[str, Any]:
    """What a contact is made of, by the fields. Raises `ValueError`."""
    plan: dict[str, Any] = {
        "start_us": moment_us(given["start"]), "duration_s": span_s(given["for"]), "name": given["name"],
        "link": given["link"], "every_s": span_s(given["every"]) if given["every"] else 0.0,
    }  # fmt: skip
    for key in ("down", "up"):
        try:
            plan[f"{key}_bps"] = float(given[key] or 0)
        except ValueError:
            raise ValueError(f"{given[key]!r} is no rate in bits a second") from None
    return plan
