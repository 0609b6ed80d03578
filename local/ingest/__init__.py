"""A shop's own files as rows of the report's two tables. Not deployed."""
