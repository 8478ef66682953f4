"""The power unit as a program of its own, for tests without hardware, and its messages for the authors of firmware."""
