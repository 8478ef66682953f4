"""Replay: what is archived of a deployment, told again as if it came now.

A replay has a hub of its own that the archive feeds. It reads the archive and nothing else: it holds no link, so that
nothing can be sent from it, and writes nothing.
"""
