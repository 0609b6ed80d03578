"""The HTTP side: access, parameters, limits, shared answers, the OpenAPI description, and the log."""
