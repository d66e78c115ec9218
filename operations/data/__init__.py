"""Market data folders in LEAN's format: prepare one, fetch one, check any."""
