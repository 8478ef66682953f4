"""The `kittiwake ground` sub-commands."""
