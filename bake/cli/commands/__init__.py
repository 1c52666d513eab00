"""One command a module; the function has the command's name."""
