"""What customers of the demo do, one function a kind. Leaves who does it and when the outcomes come to `traffic`.

Each returns the first event and those that follow it, with how many others may come in between.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from msgspec import Struct

from metering.cli.demonstration.dial_plan import make_number
from metering.cli.demonstration.texts import TEXTS

Data = dict[str, Any]

_LONG_CALL_SECONDS = 120


class Later(Struct, frozen=True):
    """An event that follows: at most `steps_max` events after the one before it."""

    type: str
    data: Data
    steps_max: int = 900


class Started(Struct, frozen=True):
    """The first event of something, and what comes of it, in order."""

    type: str
    data: Data
    later: tuple[Later, ...] = ()


Kind = Callable[[Random, Data], Started]
"""Takes the customer, sender and charge id as `data` has them."""


def _make_text(random: Random) -> str:
    return random.choice(TEXTS).replace("{n}", str(random.randrange(100_000, 1_000_000)))


def _make_destination(random: Random) -> str:
    # +210 is assigned to no country; a missing row must be refused, not priced by a shorter prefix.
    return "+210555000111" if random.randrange(400) == 0 else make_number(random)


def _make_outcomes(random: Random, subject: str, about: Data) -> tuple[Later, ...]:
    """Return what becomes of one message: mostly delivered, sometimes failed, now and then nothing is ever heard."""
    fate = random.choices(("delivered", "failed", "silent", "cancelled"), (92, 5, 2, 1))[0]
    if fate == "silent":
        return ()
    if fate == "failed":
        return (Later(f"{subject}.failed", about),)
    if fate == "cancelled":
        return (Later(f"{subject}.cancelled", about, steps_max=50),)
    return (Later(f"{subject}.sent", about, steps_max=60), Later(f"{subject}.delivered", about))


def _about(header: Data) -> Data:
    return {"customer": header["customer"], "charge_id": header["charge_id"]}


def send_text(random: Random, header: Data) -> Started:
    """Send a text to one number, as text, or as the counts that a gateway knows."""
    data = header | {"to": _make_destination(random)}
    shape = random.randrange(10)
    if shape == 0:
        data["segments"] = random.randint(1, 4)
    elif shape == 1:
        data |= {"encoding": random.choice(("gsm7", "ucs2")), "characters": random.randint(1, 400)}
    else:
        data["text"] = _make_text(random)
    return Started("sms.submitted", data, _make_outcomes(random, "sms", _about(header)))


def send_broadcast(random: Random, header: Data) -> Started:
    """Send one text to many; each recipient has an outcome of its own."""
    recipients = sorted({make_number(random) for _ in range(random.randint(3, 12))})
    outcomes = tuple(
        Later("broadcast.delivered" if random.randrange(20) else "broadcast.failed", _about(header) | {"to": to}, 40)
        for to in recipients
    )
    data = header | {"recipients": recipients, "text": _make_text(random), "campaign": f"c-{random.randrange(50)}"}
    return Started("broadcast.submitted", data, outcomes)


def send_picture(random: Random, header: Data) -> Started:
    """Send a picture, with or without words."""
    data = header | {"to": _make_destination(random), "media": random.randint(1, 3), "text": _make_text(random)}
    return Started("mms.submitted", data, _make_outcomes(random, "mms", _about(header)))


def call(random: Random, header: Data) -> Started:
    """Call somebody: long calls are extended, some are not answered."""
    to = make_number(random)
    about = _about(header) | {"to": to}
    if random.randrange(8) == 0:
        return Started("voice.started", header | {"to": to}, (Later("voice.failed", about, 200),))
    seconds = random.randint(4, 600)
    extended = (Later("voice.extended", about | {"seconds": seconds}, 300),) if seconds > _LONG_CALL_SECONDS else ()
    ended = Later("voice.ended", about | {"seconds": seconds}, 400)
    data = header | {"to": to, "machine_detection": random.randrange(6) == 0}
    return Started("voice.started", data, (*extended, ended))


def converse(random: Random, header: Data) -> Started:
    """Open a conversation window."""
    kinds = ("business_initiated", "user_initiated", "free")
    data = header | {"to": make_number(random), "conversation_class": random.choice(kinds)}
    return Started("conversation.started", data, _make_outcomes(random, "conversation", _about(header)))


def receive(random: Random, header: Data) -> Started:
    """Receive something at the customer's own number."""
    own = {"customer": header["customer"], "to": make_number(random)}
    kinds = ("sms.received", "mms.received", "voice.received", "voice.forwarded")
    kind = random.choices(kinds, (12, 2, 3, 3))[0]
    if kind == "sms.received":
        return Started(kind, own | {"text": _make_text(random)})
    if kind == "mms.received":
        return Started(kind, own | {"media": 1})
    return Started(kind, own | {"seconds": random.randint(5, 300)})


def record(random: Random, header: Data) -> Started:
    """Tell of something that has already happened, priced elsewhere; sometimes the carrier corrects it later."""
    about = {"customer": header["customer"], "charge_id": header["charge_id"]}
    correction = {"customer": header["customer"], "adjusts": header["charge_id"]}
    later: tuple[Later, ...] = ()
    if random.randrange(4) == 0:
        later = (Later("charge.adjusted", correction | {"amount_micros": random.choice((-1_500, 2_250))}),)
    return Started("usage.recorded", about | {"amount_micros": random.randint(1, 40) * 500}, later)


KINDS: tuple[tuple[Kind, int], ...] = (
    (send_text, 66),
    (send_broadcast, 2),
    (send_picture, 9),
    (call, 8),
    (converse, 4),
    (receive, 9),
    (record, 2),
)
"""What is done, and how often of a hundred times."""
