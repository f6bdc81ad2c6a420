"""Structured logs: one JSON object a line, with the request's id, never with personal data."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from foundation.faults import without_values


def init_logs(*, quiet: bool = False) -> None:
    """Write JSON lines to standard error; `quiet` keeps only warnings and worse."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _hide_values,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.WARNING if quiet else logging.INFO
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _hide_values(_logger: object, _name: str, line: MutableMapping[str, Any]) -> Any:
    if isinstance(line.get("exception"), str):
        line["exception"] = without_values(line["exception"])
    return line
