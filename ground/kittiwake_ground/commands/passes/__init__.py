"""The sub-commands of `kittiwake ground passes`."""
