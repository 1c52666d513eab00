"""desktop-bake.toml and Agents Runner's files, read into `Settings`."""
