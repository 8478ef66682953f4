"""docs/building.md names every setting of the drivers that speak to real devices, with its default."""

from __future__ import annotations

import re

import pytest

from kittiwake_components.platform_driver.drivers.bacnet import BacnetDriver
from kittiwake_components.platform_driver.drivers.interface import Driver
from kittiwake_components.platform_driver.drivers.modbus import ModbusDriver
from tests.peers import ROOT

PAGE = (ROOT / "docs/building.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[a-z_`, ]+`) \| ([^|]+) \|", re.MULTILINE)


def documented(heading: str) -> dict[str, str]:
    """The settings in the tables of a section, with what stands for their defaults."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for names, defaults in ROW.findall(section):
        settings = re.findall(r"`([a-z_]+)`", names)
        shown = defaults.split(", ") if len(settings) > 1 else [defaults]
        found |= dict(zip(settings, shown, strict=True))
    found.pop("driver_settings", None)  # the heading of the column
    return found


@pytest.mark.parametrize("driver, heading", [(BacnetDriver, "BACnet devices"), (ModbusDriver, "Modbus units")])
def test_the_settings_of_a_driver_are_in_its_tables(driver: type[Driver], heading: str) -> None:
    shown = documented(heading)
    fields = {field.name: field for field in (*driver.SETTINGS, *driver.POINT_SETTINGS)}
    assert set(shown) == set(fields)
    for name, field in fields.items():
        if isinstance(field.default, (int, float)):
            assert float(shown[name]) == field.default, name
