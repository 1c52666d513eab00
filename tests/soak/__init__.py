"""Repetition, run by `make soak` alone."""
