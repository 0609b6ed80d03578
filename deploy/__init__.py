"""What deploy.sh needs in addition to bash: small filters, and the metrics and alert policies as files. Not deployed."""
