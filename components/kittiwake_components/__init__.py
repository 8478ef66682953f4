"""Kittiwake's standard components, one folder each; a topology names them `kittiwake_components.<Class>`.

A class is imported when it is first asked for, so that a deployment loads only the components it has.
"""

from __future__ import annotations

from typing import Any

COMPONENTS = {
    "ActiveRateGroup": "active_rate_group",
    "Actuator": "actuator",
    "AdminFacade": "admin_facade",
    "AirQualityChannels": "sensor_channels",
    "AmateurRadio": "amateur_radio",
    "AntennaDeployer": "antenna_deployer",
    "AudioChannels": "sensor_channels",
    "Authenticator": "authenticator",
    "BacnetServer": "bacnet_server",
    "BuildingApi": "building_api",
    "BuildingAgent": "building_agent",
    "Burnwire": "burnwire",
    "CmdSequencer": "cmd_sequencer",
    "ComDelay": "com_delay",
    "ComQueue": "com_queue",
    "ComSplitter": "com_splitter",
    "CommandDispatcher": "command_dispatcher",
    "ConnexionManager": "connexion_manager",
    "CpuChannels": "sensor_channels",
    "Deframer": "deframer",
    "DetumbleManager": "detumble_manager",
    "Display": "display",
    "DpCatalog": "dp_catalog",
    "DpManager": "dp_manager",
    "DpWriter": "dp_writer",
    "Enrollment": "enrollment",
    "EnergyLedger": "energy_ledger",
    "EventLog": "event_log",
    "FatalHandler": "fatal_handler",
    "FileDownlink": "file_downlink",
    "FileManager": "file_manager",
    "FileUplink": "file_uplink",
    "Framer": "framer",
    "FsSpace": "fs_space",
    "Health": "health",
    "ImuManager": "imu_manager",
    "Ina219Manager": "ina219_manager",
    "LimitChecker": "limit_checker",
    "Link": "link",
    "LoadShed": "building_agent",
    "LoadSwitch": "load_switch",
    "Lora": "lora",
    "ModeManager": "mode_manager",
    "ModemBearer": "modem_bearer",
    "Monitoring": "monitoring",
    "MqttBridge": "mqtt_bridge",
    "NetworkManagerBearer": "network_manager_bearer",
    "ParameterDb": "parameter_db",
    "PassiveRateGroup": "passive_rate_group",
    "PicoTempManager": "pico_temp_manager",
    "PlatformDriver": "platform_driver",
    "PointBank": "point_channels",
    "PointChannels": "point_channels",
    "PowerManager": "power_manager",
    "PowerMonitor": "power_monitor",
    "RateDelay": "rate_delay",
    "RateGroupDriver": "rate_group_driver",
    "ResetManager": "reset_manager",
    "Router": "router",
    "RtcManager": "rtc_manager",
    "ScaleChannels": "sensor_channels",
    "Scheduler": "scheduler",
    "SensorChannels": "sensor_channels",
    "SensorOrchestrator": "sensor_orchestrator",
    "SimulatedBearer": "simulated_bearer",
    "SimulatedSpacecraft": "simulated_spacecraft",
    "StartupManager": "startup_manager",
    "StoreForward": "store_forward",
    "Supervisor": "supervisor",
    "SystemResources": "system_resources",
    "TelemetryStore": "telemetry_store",
    "TextCommands": "text_commands",
    "TempChannels": "sensor_channels",
    "TextLog": "text_log",
    "ThermalManager": "thermal_manager",
    "Time": "time",
    "TransferService": "transfer_service",
    "Tmp112Manager": "tmp112_manager",
    "Veml6031Manager": "veml6031_manager",
    "UpdateManager": "update_manager",
    "Uploader": "uploader",
    "Version": "version",
    "Watchdog": "watchdog",
    "WiringMeter": "wiring_meter",
}
"""Component class -> folder; the class stands in the folder's module `component`."""


def __getattr__(name: str) -> Any:
    folder = COMPONENTS.get(name)
    if folder is None:
        raise AttributeError(f"kittiwake_components has no component {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kittiwake_components.{folder}.component"), name)


def __dir__() -> list[str]:
    return sorted(COMPONENTS)
