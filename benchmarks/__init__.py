"""What `make desktop` shows and `make bench` measures."""
