"""Environment, recipe and base digest in; key, labels and docker-bake.hcl out. Pure: no I/O, no clock, no Docker."""
