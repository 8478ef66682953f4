"""Limits and alarms of the ground station, channels derived from others, and who is told.

`evaluation` and `life` are pure state machines, `book` runs them for a deployment, `store` keeps what must outlive a
kill, `expression` and `derived` are about channels made of others, `notifier` and the ways beside it tell people.
"""
