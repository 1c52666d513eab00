"""One module for each command; the function has the command's name."""
