"""Write log lines as Cloud Logging reads them: one JSON object per line, with severity and trace.

https://cloud.google.com/logging/docs/structured-logging
"""

import json
import logging
import re
import sys
from contextvars import ContextVar

trace_of_request: ContextVar[str | None] = ContextVar("trace_of_request", default=None)


def log_to_stdout() -> None:
    """Make the loggers of this project write JSON lines to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    for name in ("main", "report", "model"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def trace_name(project: str | None, trace_context: str | None) -> str | None:
    """Return the trace of a request, from its header `traceparent` or `X-Cloud-Trace-Context`; None without one."""
    trace = re.match(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})\b", trace_context or "")
    if not trace:
        return None
    return f"projects/{project}/traces/{trace[1]}" if project else trace[1]


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"severity": record.levelname, "message": record.getMessage(), "logger": record.name}
        if record.exc_info:
            line["message"] += "\n" + self.formatException(record.exc_info)
        if trace := trace_of_request.get():
            line["logging.googleapis.com/trace"] = trace
        return json.dumps(line | getattr(record, "fields", {}), default=str)
