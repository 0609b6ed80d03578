"""Helpers of deploy.sh: small filters, and the metrics and alert policies as files. Not deployed."""
