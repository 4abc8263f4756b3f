"""Reads decks and surcharge tables (CSV) into rows, reporting every problem with line and column.

Leaves rules that need more than one row to `check`.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from metering.rating import columns
from metering.rating.columns import Parser
from metering.rating.problems import Problem, Rule
from metering.rating.rows import LINE_BITS, Charge, Row, RowTerms, Source
from metering.rating.table_text import TableText, field_column
from metering.rating.times import BEGINNING_MS, END_MS, Band, parse_band, parse_instant

TableKind = Literal["deck", "surcharges"]
# A row longer than this is a broken quote, not a rate.
FIELD_CHARACTERS_MAX = 200
# What one row of a table has for itself; the other columns say the same in thousands of rows, which share their terms.
_OWN = ("prefix", "mcc_mnc", "destination", "country", "price")


def content_version(content: bytes) -> str:
    """Name a content by the first 12 hex digits of its SHA-256: short enough for every ledger entry."""
    return hashlib.sha256(content).hexdigest()[:12]


class ParsedTable(msgspec.Struct, frozen=True):
    """What one table holds: good rows, what is wrong with the others, and its text for pointing into it."""

    rows: list[Row]
    problems: list[Problem]
    header: list[str]
    text: TableText

    def column(self, line: int, name: str) -> int:
        """Return the character (from 1) at which the field `name` of `line` begins; 1 where it has none."""
        index = self.header.index(name) if name in self.header else 0
        return field_column(self.text.line(line), index)


def parse_table(kind: TableKind, content: bytes, source: Source, place: int) -> ParsedTable:
    """Read one CSV table, the catalog's `place`-th; rows with an error are left out. Rows come in file order."""
    table = _Table(kind, source, place)
    rows = table.read(content)
    return ParsedTable(rows, table.problems, table.header, table.text)


class _Table:
    def __init__(self, kind: TableKind, source: Source, place: int) -> None:
        deck = kind == "deck"
        self._kind = kind
        self._source = source
        self._first_number = place << LINE_BITS
        self._zone = ZoneInfo(source.zone)
        self._parsers: Mapping[str, Parser] = columns.DECK_COLUMNS if deck else columns.SURCHARGE_COLUMNS
        self._required = columns.DECK_REQUIRED if deck else columns.SURCHARGE_REQUIRED
        self.header: list[str] = []
        self.text = TableText("")
        self.problems: list[Problem] = []
        # The same few prices, dates and names stand in thousands of rows: each is parsed and held once.
        self._memo: dict[str, dict[str, Any]] = {}
        self._is_shared: list[bool] = []
        self._indexes: dict[str, int] = {}
        self._instants: dict[str, int] = {}
        self._bands: dict[tuple[str, str], Band | None] = {}
        # And most rows differ from one before them in prefix, destination and price only: they share its terms.
        self._alike: dict[tuple[str, ...], RowTerms] = {}

    def read(self, content: bytes) -> list[Row]:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self._report(line, 1, "encoding", "not UTF-8")
            return []
        self.text = TableText(text)
        rows: list[Row] = []
        records = self._records(text)
        header = next(records, None)
        if header is None and not self.problems:
            self._report(1, 1, "missing_column", "the table is empty: it needs a header")
        if header is None or not self._accept_header(*header):
            return []
        for line, fields in records:
            row = self._parse_row(line, fields)
            if row is not None:
                rows.append(row)
        return rows

    def _records(self, text: str) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            self._report(line, 1, "csv", str(error))

    def _accept_header(self, line: int, header: Sequence[str]) -> bool:
        self.header = [name.strip() for name in header]
        before = len(self.problems)
        self._memo = {name: {} for name in self.header}
        self._is_shared = [name not in _OWN for name in self.header]
        self._indexes = {name: index for index, name in enumerate(self.header)}
        for index, name in enumerate(self.header):
            if name not in self._parsers:
                self._report_field(line, index, "unknown_column", f"{name!r} is not a column of a {self._kind} table")
            elif name in self.header[:index]:
                self._report_field(line, index, "repeated_column", f"{name!r} stands twice")
        missing = [name for name in self._required if name not in self.header]
        if missing:
            self._report(line, 1, "missing_column", f"needs {', '.join(missing)}")
        return len(self.problems) == before

    def _parse_row(self, line: int, fields: Sequence[str]) -> Row | None:
        if len(fields) != len(self.header):
            self._report(line, 1, "field_count", f"{len(fields)} fields under {len(self.header)} columns")
            return None
        alike = tuple(compress(fields, self._is_shared))
        terms = self._alike.get(alike)
        if terms is not None and (row := self._make_alike(terms, line, fields)) is not None:
            return row
        before = len(self.problems)
        values: dict[str, Any] = {}
        for index, name in enumerate(self.header):
            try:
                values[name] = self._read_field(name, fields[index])
            except ValueError as error:
                self._report_field(line, index, "wrong_value", f"{name}: {error}")
        if len(self.problems) > before:
            return None
        row = self._build(line, values)
        if len(self.problems) > before:
            return None
        self._alike[alike] = row.terms
        return row

    def _make_alike(self, terms: RowTerms, line: int, fields: Sequence[str]) -> Row | None:
        """Make the row of `fields`, whose terms are known; None where it has to be looked at."""
        read, indexes = self._read_field, self._indexes
        try:
            prefix = read("prefix", fields[indexes["prefix"]])
            price = read("price", fields[indexes["price"]])
            destination = read("destination", fields[indexes["destination"]])
            country = read("country", fields[indexes["country"]])
            mcc_mnc = read("mcc_mnc", fields[indexes["mcc_mnc"]]) if "mcc_mnc" in indexes else None
        except (KeyError, ValueError):
            return None
        if (prefix is None and mcc_mnc is None) or (price is None and not terms.reject):
            return None
        return Row(
            self._first_number + line, prefix or "", mcc_mnc, destination or "", country or "", price or 0, terms
        )

    def _read_field(self, name: str, text: str) -> Any:
        """Return a field's value; raises ValueError with what is wrong."""
        memo = self._memo[name]
        if text in memo:
            return memo[text]
        stripped = text.strip()
        if len(stripped) > FIELD_CHARACTERS_MAX:
            message = f"longer than {FIELD_CHARACTERS_MAX} characters"
            raise ValueError(message)
        value = memo[text] = self._parsers[name](stripped)
        return value

    def _build(self, line: int, values: dict[str, Any]) -> Row:
        get = values.get
        reject = get("reject") or False
        channel, per = values["channel"], values["per"]
        charge: Charge = get("surcharge") or "rate"
        self._accept_scope(line, values, charge)
        if reject:
            per = per or columns.PER_BY_CHANNEL[channel][0]
        elif get("price") is None:
            self._report_named(line, "price", "no_price", "a row needs a price unless it rejects")
        if per not in columns.PER_BY_CHANNEL[channel]:
            allowed = ", ".join(columns.PER_BY_CHANNEL[channel])
            self._report_named(line, "per", "wrong_per", f"{per!r} is none of {allowed}, which {channel} is priced by")
        increment = 1 if per == "second" else 60
        first = get("first") or increment
        from_ms = self._instant(line, "effective_from", get("effective_from"), BEGINNING_MS)
        to_ms = self._instant(line, "effective_to", get("effective_to"), END_MS)
        if from_ms >= to_ms:
            self._report_named(line, "effective_to", "empty_period", "ends before it begins")
        terms = RowTerms(
            source=self._source,
            charge=charge,
            channel=channel,
            direction=get("direction") or ("inbound" if charge.startswith("voicemail") else "outbound"),
            sender_type=get("sender_type"),
            per=per,
            conversation_class=get("conversation_class"),
            first=first,
            next=get("next") or increment,
            connect_fee_micros=get("connect_fee") or 0,
            minimum_micros=get("minimum") or 0,
            # A call is paid for when it has ended: what was reserved at its start is settled by the seconds used.
            charge_on=get("charge_on") or ("delivered" if channel == "voice" else "submit"),
            failed_fee_micros=get("failed_fee") or 0,
            segmenting=get("segmenting") or "gsm7_ucs2",
            band=self._band(line, get("days") or "", get("hours") or ""),
            from_ms=from_ms,
            to_ms=to_ms,
            reject=reject,
        )
        return Row(
            number=self._first_number + line,
            prefix=get("prefix") or "",
            mcc_mnc=get("mcc_mnc"),
            destination=get("destination") or "",
            country=get("country") or "",
            price_micros=get("price") or 0,
            terms=terms,
        )

    def _accept_scope(self, line: int, values: dict[str, Any], charge: str) -> None:
        """Report columns that make no sense for the row's channel: they would be silently without effect."""
        channel = values["channel"]
        get = values.get
        if get("prefix") is None and get("mcc_mnc") is None:
            self._report_named(line, "prefix", "no_destination", "needs a prefix (* for any number) or an MCC-MNC")
        if charge != "rate" and channel not in columns.SURCHARGES[charge]:
            self._report_named(line, "channel", "wrong_channel", f"{charge} does not belong to {channel}")
        if channel != "voice":
            for name in ("first", "next", "connect_fee"):
                if get(name) is not None:
                    self._report_named(line, name, "not_for_channel", f"{name} is for voice, not {channel}")
        if channel != "sms" and get("segmenting", "gsm7_ucs2") != "gsm7_ucs2":
            self._report_named(line, "segmenting", "not_for_channel", f"segmenting is for sms, not {channel}")
        if charge not in {"rate", "reprocessing"} and get("segmenting", "gsm7_ucs2") != "gsm7_ucs2":
            self._report_named(line, "segmenting", "not_for_surcharge", f"{charge} counts the network's parts")
        if channel != "conversation" and get("conversation_class"):
            self._report_named(line, "conversation_class", "not_for_channel", f"no classes of {channel}")
        if get("direction") == "forwarded" and channel != "voice":
            self._report_named(line, "direction", "not_for_channel", f"{channel} is never forwarded")

    def _instant(self, line: int, column: str, text: str | None, default: int) -> int:
        if not text:
            return default
        if text in self._instants:
            return self._instants[text]
        try:
            instant = self._instants[text] = parse_instant(text, self._zone)
            return instant
        except ValueError as error:
            self._report_named(line, column, "wrong_value", f"{column}: {error}")
            return default

    def _band(self, line: int, days: str, hours: str) -> Band | None:
        if not days and not hours:
            return None
        key = (days, hours)
        if key not in self._bands:
            try:
                self._bands[key] = parse_band(days, hours, self._source.zone)
            except ValueError as error:
                named = "hours" if "hours" in str(error) else "days"
                self._report_named(line, named, "wrong_band", str(error))
                return None
        return self._bands[key]

    def _report(self, line: int, column: int, rule: Rule, message: str) -> None:
        self.problems.append(Problem(self._source.file, line, column, rule, message))

    def _report_named(self, line: int, name: str, rule: Rule, message: str) -> None:
        index = self.header.index(name) if name in self.header else 0
        self._report_field(line, index, rule, message)

    def _report_field(self, line: int, index: int, rule: Rule, message: str) -> None:
        self._report(line, field_column(self.text.line(line), index), rule, message)
