"""Indexes and manifests of registries."""

from __future__ import annotations

AMD64, ARM64 = "linux/amd64", "linux/arm64"
