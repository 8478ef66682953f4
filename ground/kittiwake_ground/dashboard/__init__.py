"""The dashboard: NiceGUI pages on the application that serves the API."""

from kittiwake_ground.dashboard.mounting import mount_dashboard

__all__ = ["mount_dashboard"]
