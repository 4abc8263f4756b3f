"""Log lines to stderr, for machines or for people. Leaves what is said to structlog's and logging's users."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal, TextIO

import structlog

# What libraries say at INFO and nobody acts on; their warnings stay.
_QUIET = ("aiokafka", "aiohttp", "alembic", "asyncio", "faust", "kafka", "mode")


def configure_logging(level: str, form: Literal["json", "console"], stream: TextIO | None = None) -> None:
    """Send structlog's and logging's lines to `stream` (stderr) in one form. Call once, when a process starts.

    Lines carry `time` (UTC), `level`, `logger` and `event`; the traceback of an exception is in `exception`.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    output = stream or sys.stderr
    final: list[Any]
    if form == "json":
        final = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        final = [structlog.dev.ConsoleRenderer(colors=output.isatty(), timestamp_key="time")]
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
