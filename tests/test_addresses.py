"""Addresses of Redis taken apart, and what a refusal of it means."""

from __future__ import annotations

import pytest
from redis.exceptions import ClusterDownError, NoPermissionError, ReadOnlyError, ResponseError, TryAgainError

from metering.addresses import RedisAddress, parse_redis_url
from metering.errors import BrokenInvariant, Retryable
from metering.ledger.connection import redis_error


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h", RedisAddress("single", (("h", 6379),))),
        ("redis://u:p%40s@h:1/2", RedisAddress("single", (("h", 1),), user="u", password="p@s", database=2)),
        ("redis://:secret@[::1]:1", RedisAddress("single", (("::1", 1),), password="secret")),
        ("rediss://h:1/0?ca_file=/ca.pem", RedisAddress("single", (("h", 1),), tls=True, ca_file="/ca.pem")),
        ("unix:///run/redis.sock", RedisAddress("single", (), path="/run/redis.sock")),
        (
            "redis+sentinel://u:p@a,b:2/till/3?sentinel_password=s",
            RedisAddress(
                "sentinel", (("a", 26379), ("b", 2)), user="u", password="p", name="till", database=3,
                sentinel_password="s",
            ),
        ),
        ("rediss+cluster://a:1,b", RedisAddress("cluster", (("a", 1), ("b", 6379)), tls=True)),
    ],
)  # fmt: skip
def test_url_is_taken_apart(url: str, expected: RedisAddress) -> None:
    assert expected == parse_redis_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "h:6379",
        "http://secret@h",
        "redis://secret@a,b",
        "redis+sentinel://secret@h:1",
        "redis+cluster://secret@h/1",
        "redis://secret@h/x",
        "redis://secret@h:port",
        "redis://secret@h?timeout=1",
    ],
)
def test_wrong_url_is_refused_without_telling_what_it_was(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|database 0|no option") as refusal:
        parse_redis_url(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "error",
    [
        ReadOnlyError("You can't write against a read only replica.", status_code="READONLY"),
        ClusterDownError("The cluster is down", status_code="CLUSTERDOWN"),
        TryAgainError("Multiple keys request during rehashing of slot", status_code="TRYAGAIN"),
        NoPermissionError("this user has no permissions", status_code="NOPERM"),
        ResponseError("NOREPLICAS Not enough good replicas to write."),
        ConnectionError("refused"),
    ],
)
def test_server_that_may_come_to_itself_is_asked_again(error: Exception) -> None:
    assert isinstance(redis_error(error, "apply of bucket 0"), Retryable)


def test_script_that_broke_stops_its_bucket() -> None:
    assert isinstance(redis_error(ResponseError("user_script:1: attempt to index nil"), "apply"), BrokenInvariant)
