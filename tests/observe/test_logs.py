"""Log lines: one object a line for machines, readable for people, the same for structlog and logging."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from metering.observe.logs import configure_logging


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def read_lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_carry_time_level_logger_and_fields() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    structlog.get_logger("metering.worker").info("bucket claimed", bucket=3, customer="Ünal 😀")
    (line,) = read_lines(stream)
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "level": "info",
        "logger": "metering.worker",
        "event": "bucket claimed",
        "bucket": 3,
        "customer": "Ünal 😀",
    }


def test_line_of_a_library_has_the_same_form() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    logging.getLogger("aiokafka.client").warning("broker %s went away", "b1")
    (line,) = read_lines(stream)
    assert (line["level"], line["logger"], line["event"]) == ("warning", "aiokafka.client", "broker b1 went away")


def test_exception_is_one_line_with_its_traceback() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    try:
        int("no such lot")
    except ValueError:
        structlog.get_logger("metering").exception("bucket stopped")
    (line,) = read_lines(stream)
    assert "ValueError: invalid literal" in str(line["exception"])


def test_line_below_the_level_is_left_out() -> None:
    stream = io.StringIO()
    configure_logging("warning", "json", stream)
    structlog.get_logger("metering").info("quiet")
    logging.getLogger("faust").info("quiet")
    assert stream.getvalue() == ""


def test_console_form_is_for_people() -> None:
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    structlog.get_logger("metering").info("ready", port=9101)
    assert "ready" in stream.getvalue()
    assert "port=9101" in stream.getvalue()
