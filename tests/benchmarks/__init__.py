"""Speed, memory, cost, cold start and throughput, measured against the brief's way and against the limit: `make bench`."""
