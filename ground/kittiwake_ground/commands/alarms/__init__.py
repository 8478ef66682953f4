"""`kittiwake ground alarms` and its sub-commands, a module each."""
