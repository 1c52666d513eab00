"""Files, folders, processes, terminal, text: knows nothing of Docker."""
