"""Benchmarks of speed, memory, cost, cold start and throughput: `make bench`."""
