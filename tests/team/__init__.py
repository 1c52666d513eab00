"""Tests with registries, second machines, leases and a supply chain."""
