"""The components of {{name}}, a folder each."""
