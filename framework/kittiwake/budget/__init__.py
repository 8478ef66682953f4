"""What telemetry and events cost on the wire: layouts, sizes, rates and the time they take on a link."""
