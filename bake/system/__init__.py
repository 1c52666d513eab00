"""Files, folders, processes, terminal, text; nothing here knows of Docker."""
