"""The sub-commands of `kittiwake ground actuator`."""
