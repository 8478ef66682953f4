"""F´ dictionaries: loading them, and decoding and encoding packets by them."""
