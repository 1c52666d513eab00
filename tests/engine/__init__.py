"""Tests on one real engine."""
