"""The ground station: links, archive, API, command line and dashboard."""
