"""Command sequences: their text, their binary form, and the ways between the two."""
