"""Kittiwake: flight software for devices that sleep and must come back."""

__version__ = "0.1.0"
