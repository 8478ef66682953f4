"""The form that asks who is there."""

from __future__ import annotations

from nicegui import ui


def build_log_in() -> None:
    """A form that logs in through the API, so that the browser gets the cookie, and loads the page again."""
    with ui.column().classes("kw-center"), ui.card().classes("kw-card kw-login"):
        ui.image("/kittiwake/kittiwake.svg").classes("kw-login-mark")
        ui.label("Kittiwake ground station").classes("kw-title")
        ui.html(
            '<form id="log-in" onsubmit="return kittiwake.logIn(this)">'
            '<label>Name<input name="name" autocomplete="username" required autofocus maxlength="100"></label>'
            '<label>Password<input name="password" type="password" autocomplete="current-password" required></label>'
            '<p role="alert" id="log-in-fault"></p>'
            "<button>Log in</button></form>",
            sanitize=False,
        ).classes("kw-wide")
