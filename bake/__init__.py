"""Everything that touches the outside world. Each package imports only those above it in docs/architecture.md."""
