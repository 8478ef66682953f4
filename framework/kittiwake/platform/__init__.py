"""The machine that a deployment runs on, real or simulated, behind one interface."""
