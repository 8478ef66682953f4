"""Scenario files: what happens when in a simulation, as people write it and as a minimised finding is written down."""
