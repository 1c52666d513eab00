"""Which image proves a key, here and in the registry; pull, push, verify."""
