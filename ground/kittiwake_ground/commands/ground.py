"""`kittiwake ground`: the ground station, and its use from a terminal: through its server, or straight over a link."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("kittiwake_ground.commands.serve", "run the ground station: links, archive, API and dashboard"),
    "users": ("kittiwake_ground.commands.users", "add, remove and list who may use the ground station"),
    "tokens": ("kittiwake_ground.commands.tokens", "make, remove and list tokens for programs"),
    "send": ("kittiwake_ground.commands.send", "send a command and wait for its answer"),
    "events": ("kittiwake_ground.commands.events", "print events"),
    "channels": ("kittiwake_ground.commands.channels", "print the values of telemetry channels"),
    "history": ("kittiwake_ground.commands.history", "print the values of a channel over time"),
    "plot": ("kittiwake_ground.commands.plot.command", "draw channels over time in the terminal, or as SVG or PNG"),
    "replay": ("kittiwake_ground.commands.replay", "print what came at a time that is past, as it came then"),
    "timeline": ("kittiwake_ground.commands.timeline", "print what happened: link, modes, boots, events, commands"),
    "export": ("kittiwake_ground.commands.export", "write what is archived as CSV or Parquet"),
    "query": ("kittiwake_ground.commands.query", "ask long history in SQL, read-only"),
    "layouts": ("kittiwake_ground.commands.layouts", "list, save and remove chart layouts"),
    "redecode": ("kittiwake_ground.commands.redecode", "decode raw frames again by another dictionary"),
    "upload": ("kittiwake_ground.commands.upload", "bring a file to the deployment"),
    "download": ("kittiwake_ground.commands.download", "get a file from the deployment"),
    "transfers": ("kittiwake_ground.commands.transfers", "list files that go or have gone, and save what has come"),
    "seq": ("kittiwake_ground.commands.seq", "compile, upload, run and follow sequences"),
    "params": ("kittiwake_ground.commands.params", "list, get, set, save and compare parameters"),
    "alarms": ("kittiwake_ground.commands.alarms.group", "alarms, limits, and channels derived from others"),
    "passes": ("kittiwake_ground.commands.passes.group", "when a deployment can be reached, and what fits into that"),
    "plan": (
        "kittiwake_ground.commands.plan.group",
        "plan what is sent later: at a time, or in the next pass",
    ),
    "procedure": ("kittiwake_ground.commands.procedure.group", "list, run, watch and stop Python procedures"),
    "actuator": ("kittiwake_ground.commands.actuator.group", "schedules and points of a building, over its API"),
    "shell": ("kittiwake_ground.commands.shell.command", "all of these at a prompt, or from a script"),
    "tui": ("kittiwake_ground.commands.tui", "channels, events, commands and alarms on the whole screen"),
    "fleet": ("kittiwake_ground.commands.fleet", "print all deployments side by side, the worst first"),
    "links": ("kittiwake_ground.commands.links", "print how the links stand"),
}
"""Sub-command -> module and a line of help."""
