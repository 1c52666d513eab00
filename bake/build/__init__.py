"""One bake, and one builder of a key at a time."""
