"""Load and soak: the deployed function under many readers while what it needs goes wrong. `make soak`, never `make test`."""
