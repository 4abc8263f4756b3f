"""What every command carries. Leaves the commands themselves to `commands`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from metering.contracts.fields import Identifier


class CommandHeader(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", gc=False):
    """What every command carries. `id` is its idempotency key within the customer's bucket.

    A repeat of an `id` returns the first answer and changes nothing.
    """

    id: Identifier
    customer: Identifier
    actor: Identifier
    reason: Annotated[str, Meta(max_length=512)] | None = None
    reply_to: Identifier | None = None
