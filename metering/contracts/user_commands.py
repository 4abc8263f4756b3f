"""Commands about a customer's users and what they may spend. Leaves all others to `commands`."""

from __future__ import annotations

from metering.contracts.command_header import CommandHeader
from metering.contracts.fields import AssignedMicros, Identifier, Micros
from metering.contracts.states import UserRole


class PutUser(CommandHeader, frozen=True, kw_only=True, tag="put_user"):
    """Add a user of the customer, or change one. What is left out stays.

    A plain user has an allotment: a total that may be spent of the company pool, and what is added to it each month.
    Owners and admins have none. Whoever changes to a shared role gives back what was assigned.
    """

    user: Identifier
    role: UserRole | None = None
    """Left out of a new user: `user`."""
    per_month_micros: AssignedMicros | None = None
    """0 where it is left out of a new user. A new user has the first month's at once."""
    total_micros: AssignedMicros | None = None


class SetAllotment(CommandHeader, frozen=True, kw_only=True, tag="set_allotment"):
    """Change what a user may spend of the company pool. The two values are independent; what is left out stays."""

    user: Identifier
    per_month_micros: AssignedMicros | None = None
    """Added at each beginning of a month; a raise comes at once as well where the plan has it so."""
    total_micros: AssignedMicros | None = None
    """What the user may spend now."""
    add_micros: Micros | None = None
    """To the total, plus or minus: unlike `total_micros` it stands whatever is spent meanwhile."""


class CloseUser(CommandHeader, frozen=True, kw_only=True, tag="close_user"):
    """Take a user away. What was assigned to them can be assigned to others; no credit moves."""

    user: Identifier
