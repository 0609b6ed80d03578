"""BigQuery on this machine, with sample shops in it. Not deployed."""
