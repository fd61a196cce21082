"""Webhooks, as the partner API speaks of them: endpoints that are told of changes, their secrets, and having them hear again."""

import datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from openintervals import errors
from openintervals.api.exchange import Runtime
from openintervals.api.http import Caller, Created, Page, Read, Write
from openintervals.api.partner import change_types, dialect, payloads
from openintervals.api.partner.dialect import Wire, WireIn, partner
from openintervals.api.partner.payloads import Webhook
from openintervals.api.rules import Rule, Rules
from openintervals.platform import addresses, deliveries, dialects, replays, tasks, webhooks

TYPES_MOST = 50
_ANYWHERE = addresses.networks("0.0.0.0/0,::/0")

Types = Annotated[
    list[change_types.Asked],
    Meta(
        min_length=1,
        max_length=TYPES_MOST,
        description="What to hear of. Each needs the scope to read such objects; `*` is all that the key may read.",
        examples=[["registration.*", "run.sold_out"]],
    ),
]
Endpoint = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=addresses.URL_MOST,
        description="Where to send: an https URL on the public Internet, at port 443.",
        examples=["https://club.example/webhooks"],
    ),
]
Format = Annotated[
    Literal["full", "thin"], Meta(description="`full` sends the object as it was after the change, `thin` its URL.")
]
Coalesce = Annotated[
    bool, Meta(description="Whether an update that waits is dropped when a later change of its object waits too.")
]
Status = Literal["active", "paused"]
Secret = Annotated[
    str,
    Meta(
        description="What deliveries are signed with. It is shown here, and never again.",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ),
]


def _unknown_types(types: list[str]) -> dict[str, list[str]]:
    problems = change_types.problems(types)
    return {"types": problems} if problems else {}


def _malformed_url(url: str) -> dict[str, list[str]]:
    """What is wrong with a URL wherever the operator lets webhooks go."""
    problem = addresses.problem(url, _ANYWHERE)
    return {"url": [problem]} if problem else {}


RULES: Rules = (Rule(("types",), _unknown_types), Rule(("url",), _malformed_url))


class WebhooksQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    rules: ClassVar[Rules] = dialect.PAGED

    limit: dialect.Limit = 50
    after: dialect.WebhookCursor | None = None
    before: dialect.WebhookCursor | None = None


class WebhookCreate(WireIn, frozen=True, kw_only=True):
    """A new webhook."""

    rules: ClassVar[Rules] = RULES

    url: Endpoint
    types: Types
    format: Format = "full"
    coalesce: Coalesce = False
    description: dialect.Line | None = None
    status: Annotated[Status, Meta(description="`paused` keeps what happens for later, until it is made active.")] = (
        "active"
    )


class WebhookPatch(WireIn, frozen=True, kw_only=True):
    """What to change; null clears the description."""

    rules: ClassVar[Rules] = RULES

    url: Endpoint | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    format: Format | UnsetType = UNSET
    coalesce: Coalesce | UnsetType = UNSET
    description: dialect.Line | None | UnsetType = UNSET
    status: (
        Annotated[
            Status,
            Meta(description="`paused` keeps what happens for later. Either makes a disabled webhook hear again."),
        ]
        | UnsetType
    ) = UNSET


class Since(WireIn, frozen=True, kw_only=True):
    """From when on."""

    since: Annotated[
        datetime.datetime,
        Meta(tz=True, description="At most 30 days ago.", examples=["2026-06-14T07:00:00+02:00"]),
    ]


class WebhookCreated(Wire, frozen=True):
    webhook_id: str
    secret: Secret


class WebhookRotated(Wire, frozen=True):
    secret: Secret
    old_secret_until: Annotated[
        dialect.InstantOut, Meta(description="Until then deliveries are signed with the old secret as well.")
    ]


class DeliveryCreated(Wire, frozen=True):
    delivery_id: str


class TaskCreated(Wire, frozen=True):
    task_id: str


@partner.operation("GET", "/webhooks", scope="read:webhooks", tag="Webhooks", snapshot=False)
async def list_webhooks(tx: Read, query: WebhooksQuery) -> Page[Webhook]:
    """List webhooks

    All webhooks of the organization in the key's mode, newest created first, one page at a time. Secrets are never shown.
    """
    return Page(*await webhooks.page(tx, Webhook, dialect.window(query)))


@partner.operation(
    "GET",
    "/webhooks/{webhook_id}",
    scope="read:webhooks",
    tag="Webhooks",
    fails=(webhooks.WebhookNotFound,),
    snapshot=False,
)
async def get_webhook(tx: Read, webhook_id: str) -> Webhook:
    """Retrieve a webhook

    With its status, and why and since when it is disabled, if it is.
    """
    return _view(await webhooks.get(tx, webhook_id))


@partner.operation(
    "POST", "/webhooks", scope="write:webhooks", tag="Webhooks", status=201, fails=(webhooks.TooManyWebhooks,)
)
async def create_webhook(tx: Write, body: WebhookCreate, caller: Caller, runtime: Runtime) -> Created[WebhookCreated]:
    """Create a webhook

    It hears of what happens from now on, with the rights of the key that asks; once that key is revoked or has expired, the
    webhook is disabled. There are at most 50. The secret is in this answer alone.
    """
    _refuse(body.url, body.types, caller, runtime)
    webhook, secret = await webhooks.create(
        tx,
        dialect="partner",
        url=body.url,
        types=list(dict.fromkeys(body.types)),
        key_id=caller.key_id,
        scopes=caller.scopes,
        format=body.format,
        coalesce=body.coalesce,
        description=body.description,
        status=body.status,
    )
    return Created(WebhookCreated(webhook.id, secret), f"/webhooks/{webhook.id}")


@partner.operation(
    "PATCH", "/webhooks/{webhook_id}", scope="write:webhooks", tag="Webhooks", fails=(webhooks.WebhookNotFound,)
)
async def update_webhook(tx: Write, webhook_id: str, body: WebhookPatch, caller: Caller, runtime: Runtime) -> Webhook:
    """Change a webhook

    Absent fields stay as they are. From then on it acts with the rights of the key that asks, and what waits that this key may
    not read is not sent. What happens while it is paused waits; what happened while it was disabled can be replayed.
    """
    _refuse(body.url, body.types, caller, runtime)
    values = body.given()
    if body.types is not UNSET:
        values["types"] = list(dict.fromkeys(body.types))
    before = await webhooks.lock(tx, webhook_id)
    return _view(await webhooks.change(tx, before, values, key_id=caller.key_id, scopes=caller.scopes))


@partner.operation(
    "DELETE",
    "/webhooks/{webhook_id}",
    scope="write:webhooks",
    tag="Webhooks",
    status=204,
    fails=(webhooks.WebhookNotFound,),
)
async def delete_webhook(tx: Write, webhook_id: str) -> None:
    """Delete a webhook

    What still waits for it is not sent. Its deliveries can be read for 30 days more.
    """
    await webhooks.remove(tx, await webhooks.lock(tx, webhook_id))


@partner.operation(
    "POST", "/webhooks/{webhook_id}/rotate", scope="write:webhooks", tag="Webhooks", fails=(webhooks.WebhookNotFound,)
)
async def rotate_webhook(tx: Write, webhook_id: str) -> WebhookRotated:
    """Rotate a webhook's secret

    For 24 hours each delivery carries a signature with the new secret and one with the old; then with the new one alone.
    Rotating again within that time ends the older one at once.
    """
    before = await webhooks.lock(tx, webhook_id)
    return WebhookRotated(*await webhooks.rotate(tx, before))


@partner.operation(
    "POST",
    "/webhooks/{webhook_id}/test",
    scope="write:webhooks",
    tag="Webhooks",
    status=201,
    fails=(webhooks.WebhookNotFound, deliveries.WebhookNotActive),
)
async def send_test_delivery(tx: Write, webhook_id: str, runtime: Runtime) -> Created[DeliveryCreated]:
    """Send a test delivery

    A delivery of the type `webhook.test`, whatever the webhook's types, with the webhook itself as its object. It is signed, tried
    and logged as any other.
    """
    webhook = await webhooks.get(tx, webhook_id)
    told = dialects.Told(
        organization_id=tx.tenant.organization_id,
        mode=tx.tenant.mode,
        type=change_types.TEST,
        format=webhook.format,
        verb=change_types.TEST,
        object_type="webhook",
        object_id=webhook.id,
        object_version=webhook.version,
        at=tx.now_text,
        changed=msgspec.Raw(b"[]"),
        snapshot=msgspec.Raw(msgspec.json.encode(webhook)),
    )
    payload = payloads.dialect(runtime.settings.public_url).payload(told)
    delivery_id = await deliveries.put_test(tx, webhook, change_types.TEST, payload)
    return Created(DeliveryCreated(delivery_id), f"/deliveries/{delivery_id}")


@partner.operation(
    "POST",
    "/webhooks/{webhook_id}/recover",
    scope="write:webhooks",
    tag="Webhooks",
    status=202,
    fails=(webhooks.WebhookNotFound, deliveries.WebhookNotActive, tasks.TaskRunning),
)
async def recover_webhook(tx: Write, webhook_id: str, body: Since) -> Created[TaskCreated]:
    """Recover what failed

    Every delivery made since then that failed, or was cancelled while the webhook was disabled, is sent again, under the same id.
    Of objects that were deleted, only the deletion is. Fresh deliveries go first. The answer names a task to follow.
    """
    return await _started(tx, "recover", webhook_id, body)


@partner.operation(
    "POST",
    "/webhooks/{webhook_id}/replay",
    scope="write:webhooks",
    tag="Webhooks",
    status=202,
    fails=(webhooks.WebhookNotFound, deliveries.WebhookNotActive, tasks.TaskRunning),
)
async def replay_webhook(tx: Write, webhook_id: str, body: Since) -> Created[TaskCreated]:
    """Replay everything

    Everything that happened since then and that the webhook would hear of today is sent: what was sent before once more, under the same id, and
    what never was. Of objects that were deleted, only the deletion is. Fresh deliveries go first. The answer names a task to follow.
    """
    return await _started(tx, "replay", webhook_id, body)


async def _started(tx: Write, kind: replays.Kind, webhook_id: str, body: Since) -> Created[TaskCreated]:
    task = await replays.start(tx, kind, webhook_id, body.since)
    return Created(TaskCreated(task.id), f"/tasks/{task.id}")


def _refuse(url: str | UnsetType, types: list[str] | UnsetType, caller: Caller, runtime: Runtime) -> None:
    """What the operator or the key does not allow, both at once. Raises Invalid."""
    wrong: dict[str, Any] = {}
    if url is not UNSET:
        problem = addresses.problem(url, addresses.networks(runtime.settings.webhook_allow))
        if problem is not None:
            wrong["url"] = [problem]
    if types is not UNSET and (problems := webhooks.type_problems(types, caller.scopes)):
        wrong["types"] = problems
    if wrong:
        raise errors.Invalid(fields=wrong)


def _view(webhook: webhooks.Webhook) -> Webhook:
    return Webhook(**{name: getattr(webhook, name) for name in Webhook.__struct_fields__})
