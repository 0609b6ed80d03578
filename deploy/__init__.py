"""What deploy.sh needs beside bash: small filters, and the metrics and alert policies as files. Not deployed."""
