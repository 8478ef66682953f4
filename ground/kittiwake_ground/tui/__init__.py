"""The ground station on a terminal's whole screen, by Textual: what `kittiwake ground tui` shows."""
