"""Logging: structlog, readable on a terminal, one JSON object a line otherwise. Standard library loggers go the same way."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger


def configure(level: str = "INFO") -> None:
    """Send every log line of this process to stderr in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    on_terminal = sys.stderr.isatty()
    render: list[structlog.typing.Processor] = (
        [_one_line, structlog.dev.ConsoleRenderer()]
        if on_terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_as_json)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("apscheduler", "procrastinate", "alembic", "asyncio", "uvicorn", "asyncssh", "mail"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # its faults reach us as exceptions, told once by the drop
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger


@contextmanager
def bound(**names: object) -> Iterator[None]:
    """Put `names` (a run's id, a drop) on every line logged inside."""
    with structlog.contextvars.bound_contextvars(**names):
        yield


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keep a file name with a line break or a terminal escape from writing log lines of its own."""
    return {key: _printable(value) if isinstance(value, str) and key != "exception" else value for key, value in event.items()}


def _as_json(event: EventDict, **options: Any) -> str:
    """One line of JSON, in which nothing acts on what shows it: no line separator, no change of direction, no DEL."""
    line = json.dumps(event, ensure_ascii=False, **options)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1].replace("\x7f", "\\u007f") for char in line)


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]
