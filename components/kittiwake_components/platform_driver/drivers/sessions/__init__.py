"""What runs in the drivers' threads, over slow libraries: imported when the first device of its type opens."""
