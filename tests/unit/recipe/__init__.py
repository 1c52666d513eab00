"""What runs in containers."""
