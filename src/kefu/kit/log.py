"""Logs: an event name with fields, one JSON object a line. Never personal data, never a sentence with values in it."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


class Log:
    """A named logger whose calls take an event name and fields."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: Any) -> None:
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: Any) -> None:
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, *, exception: BaseException | None = None, **fields: Any) -> None:
        self._logger.error(event, extra={"fields": fields}, exc_info=exception)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: time, level, logger, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        # A field may not take the place of what every line has.
        line.update({name: value for name, value in getattr(record, "fields", {}).items() if name not in line})
        if record.exc_info:
            # The type and place help; the message may quote a customer, so it stays out.
            line["exception"] = record.exc_info[0].__name__ if record.exc_info[0] else None
            line["at"] = _place(record)
        return json.dumps(line, ensure_ascii=False, default=str)


def _place(record: logging.LogRecord) -> list[str]:
    trace = record.exc_info[2] if record.exc_info else None
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('kefu/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-6:]


def configure(level: str = "info") -> None:
    """Send every log line to standard error as JSON; called once by a process's entry point."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Address and header lines of an HTTP client may hold keys and customers' words.
    for noisy in ("httpx", "httpcore", "urllib3", "pypdf", "websockets"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
