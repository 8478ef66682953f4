"""The pages of the dashboard, in the order of the navigation."""

from __future__ import annotations

from kittiwake_ground.dashboard import (
    alarms_page,
    building_page,
    channels_page,
    charts_page,
    commands_page,
    events_page,
    files_page,
    hive_page,
    overview_page,
    parameters_page,
    passes_page,
    power_page,
    procedures_page,
    sequences_page,
    timeline_page,
    topology_page,
)
from kittiwake_ground.dashboard.page import Page

PAGES: tuple[Page, ...] = (
    Page("overview", "Overview", "space_dashboard", ("events",), overview_page.build),
    Page("channels", "Channels", "table_rows", (), channels_page.build),
    Page("charts", "Charts", "show_chart", (), charts_page.build),
    Page("events", "Events", "list_alt", ("events",), events_page.build),
    Page("alarms", "Alarms", "notifications", (), alarms_page.build),
    Page("commands", "Commands", "terminal", ("commands", "events"), commands_page.build),
    Page("files", "Files", "folder_open", ("transfers",), files_page.build),
    Page("sequences", "Sequences", "checklist", ("sequences", "transfers"), sequences_page.build),
    Page("procedures", "Procedures", "fact_check", (), procedures_page.build),
    Page("parameters", "Parameters", "tune", ("parameters", "commands", "events"), parameters_page.build),
    Page("passes", "Passes", "satellite_alt", ("plans",), passes_page.build),
    Page("timeline", "Timeline", "view_timeline", (), timeline_page.build),
    Page("topology", "Topology", "account_tree", ("commands",), topology_page.build),
    Page("power", "Power", "battery_charging_full", ("events",), power_page.build, power_page.is_for),
    Page("hive", "Hive", "hive", ("commands", "events"), hive_page.build, hive_page.is_for),
    Page("building", "Building", "apartment", (), building_page.build, building_page.is_for),
)
"""The keys 1 to 9 and 0 open the first ten of those that a deployment has."""
