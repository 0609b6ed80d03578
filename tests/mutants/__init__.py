"""Mutation tests of the pure core: `make mutants`."""
