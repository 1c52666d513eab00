"""Tests that need neither Docker nor network; they mirror the two packages."""
