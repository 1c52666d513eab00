"""Unit tests of desktop_bake.generator."""
