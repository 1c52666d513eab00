"""Tests that break an engine or kill processes."""
