"""Tests that break an engine, or kill what runs."""
