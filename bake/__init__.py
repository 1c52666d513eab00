"""Everything that touches the world. Each package imports only those above it in docs/architecture.md."""
