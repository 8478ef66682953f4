"""The sub-commands of `kittiwake ground procedure`."""
