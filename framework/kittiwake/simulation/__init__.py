"""Simulated worlds: hardware that answers as real devices do, on the platform's clock and repeatable under a seed."""
