"""Tests: pure parts by tables and properties, everything else on a real engine."""
