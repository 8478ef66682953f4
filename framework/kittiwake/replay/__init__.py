"""The flight recorder: what crosses the boundary of the platform is written down, and a replay is fed with it."""
