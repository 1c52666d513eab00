"""Unit tests of desktop_bake.bake.ui."""
