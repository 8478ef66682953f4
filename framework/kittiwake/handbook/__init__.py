"""The handbook of a topology: one page of HTML with its commands, events, channels, parameters and packets."""
