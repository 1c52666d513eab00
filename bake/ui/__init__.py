"""The page in the browser: shows and switches what the command line does."""
