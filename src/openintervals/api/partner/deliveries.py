"""Deliveries, as the partner API speaks of them: a webhook's log with every try, and sending one again."""

from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec
from msgspec import Meta, field

from openintervals.api.http import Caller, Page, Read, Write
from openintervals.api.partner import dialect
from openintervals.api.partner.dialect import Wire, partner
from openintervals.api.partner.webhooks import DeliveryCreated
from openintervals.api.rules import Rules
from openintervals.platform import deliveries, webhooks
from openintervals.platform.scopes import READS

DeliveryStatus = Literal["waiting", "succeeded", "failed", "cancelled", "superseded"]
StatusShown = Annotated[str, dialect.open_word("Whether it has ended, and how.", get_args(DeliveryStatus))]
Trigger = Annotated[
    str,
    dialect.open_word("Why it was made; `request`: somebody asked for it to be sent again.", ("schedule", "request")),
]
DeliveryCursor = Annotated[
    str,
    Meta(
        pattern=deliveries.ID_PATTERN,
        extra={"message": "Invalid cursor: expected the _id of a delivery"},
    ),
]


class Attempt(Wire, frozen=True):
    """One try to deliver."""

    at: dialect.InstantOut
    duration_ms: int
    trigger: Trigger
    status: Annotated[int | None, Meta(description="The HTTP status of the answer, if there was one.")] = None
    problem: Annotated[str | None, Meta(description="What kept an answer from coming.", examples=["timeout"])] = None
    head: Annotated[str | None, Meta(description="The beginning of the answer's body, 1 kB at most.")] = None
    next_attempt_at: Annotated[
        dialect.InstantOut | None, Meta(description="When the next one was due, if there was to be one.")
    ] = None


class DeliveryListed(Wire, frozen=True, kw_only=True):
    """One change as one webhook is told of it."""

    id: str = field(name="_id")
    webhook_id: str
    type: Annotated[str, Meta(examples=["registration.confirmed"])]
    object_id: Annotated[str, Meta(description="What changed; of a test delivery, the delivery itself.")]
    object_version: int
    state: StatusShown = field(name="status")
    reason: Annotated[str | None, Meta(description="Why it has ended without success.")] = None
    created_at: dialect.InstantOut
    next_attempt_at: Annotated[
        dialect.InstantOut | None,
        Meta(description="While it waits: when it is tried next, unless an earlier one about the object still waits."),
    ] = None
    ended_at: dialect.InstantOut | None = None
    attempts: Annotated[list[Attempt], Meta(description="Every try, oldest first; of very many the last 40.")]


class Delivery(DeliveryListed, frozen=True, kw_only=True):
    """One change as one webhook is told of it, with what is sent."""

    payload: Annotated[
        str | None,
        Meta(
            description="The body, byte for byte, the same at every try. Left out until the first, and for a key that may not read "
            "such objects.",
            examples=['{"type":"registration.confirmed", …}'],
        ),
    ] = None


class DeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: DeliveryCursor | None = None
    before: DeliveryCursor | None = None
    status: Annotated[DeliveryStatus | None, Meta(description="Only deliveries of this status.")] = None


@partner.operation(
    "GET",
    "/webhooks/{webhook_id}/deliveries",
    scope="read:webhooks",
    tag="Deliveries",
    fails=(webhooks.WebhookNotFound,),
    outlives=True,
)
async def list_deliveries(tx: Read, webhook_id: str, query: DeliveriesQuery) -> Page[DeliveryListed]:
    """List a webhook's deliveries

    Newest first, one page at a time, for 30 days after they ended; also those of a webhook that was deleted.
    """
    await webhooks.known(tx, webhook_id)
    found, more = await deliveries.page(tx, webhook_id, query.status, dialect.window(query))
    return Page([DeliveryListed(**_shown(delivery)) for delivery in found], more)


@partner.operation(
    "GET",
    "/deliveries/{delivery_id}",
    scope="read:webhooks",
    tag="Deliveries",
    fails=(deliveries.DeliveryNotFound,),
    snapshot=False,
)
async def get_delivery(tx: Read, delivery_id: str, caller: Caller) -> Delivery:
    """Retrieve a delivery

    With every try, and the body that was or will be sent. Its id is the `webhook-id` header of the request.
    """
    delivery = await deliveries.get(tx, delivery_id)
    readable = READS.get(delivery.type.partition(".")[0]) in caller.scopes
    return Delivery(**_shown(delivery), payload=delivery.payload if readable else None)


@partner.operation(
    "POST",
    "/deliveries/{delivery_id}/resend",
    scope="write:webhooks",
    tag="Deliveries",
    status=202,
    fails=(
        deliveries.DeliveryNotFound,
        deliveries.DeliveryWaits,
        deliveries.WebhookDeleted,
        deliveries.WebhookNotActive,
        deliveries.ObjectDeleted,
    ),
)
async def resend_delivery(tx: Write, delivery_id: str) -> DeliveryCreated:
    """Send a delivery again

    One that has ended, with or without success, waits once more: the same id, the same bytes, a new signature, ten tries as at first.
    Once its object was deleted, only the deletion can be sent again.
    """
    await deliveries.resend(tx, delivery_id)
    return DeliveryCreated(delivery_id)


def _shown(delivery: deliveries.Delivery) -> dict[str, Any]:
    names = ("id", "webhook_id", "type", "object_id", "object_version", "state", "reason", "created_at", "ended_at")
    return {
        **{name: getattr(delivery, name) for name in names},
        "next_attempt_at": delivery.due_at if delivery.state == "waiting" else None,
        "attempts": [_attempt(attempt) for attempt in delivery.tries()],
    }


def _attempt(attempt: deliveries.Attempt) -> Attempt:
    return Attempt(
        at=attempt.at,
        duration_ms=attempt.duration_ms,
        trigger="schedule" if attempt.by == "schedule" else "request",
        status=attempt.status,
        problem=attempt.problem,
        head=attempt.head or None,
        next_attempt_at=attempt.next_at,
    )
