"""A container with a live desktop."""
