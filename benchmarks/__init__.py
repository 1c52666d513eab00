"""The demonstration of `make desktop`, and the measurements of `make bench`."""
