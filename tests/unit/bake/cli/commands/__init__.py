"""Unit tests of bake/cli/commands."""
