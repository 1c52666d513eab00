"""The page in the browser: what the command line does, seen and switched."""
