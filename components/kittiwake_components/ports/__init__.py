"""The ports that several components share, and what they carry: a module for each subject."""
