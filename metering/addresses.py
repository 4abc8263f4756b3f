"""Addresses of servers as settings give them, checked and taken apart. Leaves connecting to their users."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from metering.errors import Fatal

RedisMode = Literal["single", "sentinel", "cluster"]

REDIS_FORMS = (
    "expected redis://[user:password@]host:port[/database], redis+sentinel://host:port,host:port/name[/database] or "
    "redis+cluster://host:port,host:port (rediss…:// for TLS), or unix://path"
)

_MODES: dict[str, tuple[RedisMode, bool]] = {
    "redis": ("single", False),
    "rediss": ("single", True),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
    "unix": ("single", False),
}

_OPTIONS = {"ca_file", "cert_file", "key_file", "sentinel_user", "sentinel_password"}
"""Files of TLS, and who asks the sentinels where they want to know."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is, and who we are there."""

    mode: RedisMode
    hosts: tuple[tuple[str, int], ...]
    """Of the server, the sentinels, or some of the cluster's nodes; none for a socket."""
    tls: bool = False
    user: str | None = None
    password: str | None = None
    name: str = ""
    """What the sentinels call the primary."""
    database: int = 0
    path: str = ""
    """Of a socket."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    sentinel_user: str | None = None
    sentinel_password: str | None = None


def parse_redis_url(url: str) -> RedisAddress:
    """Take a URL apart. Raises `ValueError`, which says what is expected and not what was given: it has a password."""
    parts = urlsplit(url)
    if parts.scheme not in _MODES:
        raise ValueError(REDIS_FORMS)
    mode, tls = _MODES[parts.scheme]
    options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    if unknown := sorted(options.keys() - _OPTIONS):
        raise ValueError(f"there is no option {', '.join(unknown)}: there are {', '.join(sorted(_OPTIONS))}")
    who, _, where = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    path = unquote(parts.path)
    common = {"tls": tls, "user": unquote(user) or None, "password": unquote(password) or None, **options}
    if parts.scheme == "unix":
        return RedisAddress("single", (), path=path, **common)  # type: ignore[arg-type]  # the options are text
    hosts = tuple(_parse_host(host, 26379 if mode == "sentinel" else 6379) for host in where.split(","))
    if mode == "single" and len(hosts) != 1:
        raise ValueError(REDIS_FORMS)
    name, database = _parse_path(mode, path.strip("/"))
    return RedisAddress(mode, hosts, name=name, database=database, **common)  # type: ignore[arg-type]  # as above


def check_redis_url(url: str) -> str:
    """Return a URL that can be taken apart. Raises `ValueError`."""
    parse_redis_url(url)
    return url


def check_bootstrap(value: str) -> str:
    """Return brokers as they are written. Raises `ValueError`."""
    for address in value.split(","):
        if not re.fullmatch(r"\s*[^\s:,/]+:\d{1,5}\s*", address):
            raise ValueError("expected host:port, several separated by commas")
    return value


def check_dsn(value: str) -> str:
    """Return Postgres' address as it is written. Raises `ValueError`."""
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("expected postgresql://user[:password]@host:port/database, several hosts separated by commas")
    return value


def make_tls_context(ca_file: str | None, cert_file: str | None, key_file: str | None) -> ssl.SSLContext:
    """Return what checks a server's certificate and name, and shows ours. Raises `Fatal` where a file is not right."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
        if cert_file is not None:
            context.load_cert_chain(cert_file, key_file)
    except OSError as error:  # `ssl.SSLError` is one
        named = ", ".join(name for name in (ca_file, cert_file, key_file) if name)
        raise Fatal(f"TLS cannot be set up with {named}: {error}") from error
    return context


def _parse_host(text: str, port_default: int) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/\[\]]+)(?::(\d{1,5}))?", text.strip())
    if found is None:
        raise ValueError(REDIS_FORMS)
    return found[1].strip("[]"), int(found[2] or port_default)


def _parse_path(mode: RedisMode, path: str) -> tuple[str, int]:
    name, _, database = path.partition("/") if mode == "sentinel" else ("", "", path)
    if (mode == "sentinel" and not name) or (database and not database.isdigit()):
        raise ValueError(REDIS_FORMS)
    if mode == "cluster" and int(database or 0):
        raise ValueError("a cluster has database 0 only")
    return name, int(database or 0)
