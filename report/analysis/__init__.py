"""Pure functions from counted cells to the sections of a report."""
