"""What the counted customers mean: pure functions from cells to the sections of a report."""
