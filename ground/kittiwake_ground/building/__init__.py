"""A building's API (BuildingApi) from the ground: over REST for what is shown, over its WebSocket for what is done."""
