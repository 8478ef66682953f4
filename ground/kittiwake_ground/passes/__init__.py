"""Passes: when a deployment can be reached, what fits into that, and what is sent then."""
