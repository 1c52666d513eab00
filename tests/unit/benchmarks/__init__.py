"""What the measurements count, without Docker."""
