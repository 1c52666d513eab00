"""Long tests of what `make test` tests in short, and of the harness itself; run only by `make soak`."""
