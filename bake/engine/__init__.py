"""Docker Engine, its API and client, and buildx."""
