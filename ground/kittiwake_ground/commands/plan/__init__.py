"""The sub-commands of `kittiwake ground plan`."""
