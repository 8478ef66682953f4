"""Skeletons of projects, components and topologies, as `kittiwake new` writes them.

`files` holds them as text: the name of a file is its path in the project without `.tpl`, and `{{word}}` stands for one
of the words that `sources.py` gives, in paths too. What is made passes mypy, ruff and its own tests before anything is
changed.
"""
