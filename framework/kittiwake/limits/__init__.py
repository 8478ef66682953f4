"""Limits that a device watches by itself: their text, their binary table, and the ways between the two."""
