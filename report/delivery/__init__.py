"""The weekly run, and the channels by which a report goes out."""
