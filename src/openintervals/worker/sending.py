"""Delivering webhooks, put together: the dialects there are, a client for the world outside, and this process's sender."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from openintervals.api.partner import payloads
from openintervals.db import Database
from openintervals.platform import addresses
from openintervals.platform.dialects import Dialect
from openintervals.settings import Settings
from openintervals.worker.outbound import Outbound
from openintervals.worker.sender import Sender

LEAVING_S = 1.0
"""Of the time to stop, what is kept for cutting requests off and giving leases back."""


def dialects(settings: Settings) -> dict[str, Dialect]:
    """Every dialect an endpoint can have, by name."""
    return {dialect.name: dialect for dialect in (payloads.dialect(settings.public_url),)}


async def deliver(settings: Settings, database: Database, clock: Callable[[], datetime], ended: asyncio.Event) -> None:
    """Deliver until `ended`; what is under way then may finish, but for the last second that a process has to stop in."""
    async with Outbound(addresses.networks(settings.webhook_allow)) as outbound:
        sender = Sender(database, outbound, dialects(settings), clock, alone=settings.on_sqlite)
        await sender.run(ended, max(0.0, settings.stop_grace_s - LEAVING_S))
