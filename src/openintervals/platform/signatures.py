"""Signatures of webhooks, as Standard Webhooks 1.0.0 has them: who sent this, and that nothing in it was changed.

Signed is `{id}.{timestamp}.{body}`, with HMAC-SHA256 under the endpoint's secret. The id is the delivery's and stays over all tries;
the timestamp is that of the try, in whole seconds since 1970, so that a receiver can refuse what somebody recorded and sends again.
A secret is `whsec_` and base64. While one is being replaced there are two, and one signature for each: a receiver is content with any.

Invariants: the bytes signed are the bytes sent, so a body is never parsed and written again on the way; signatures are compared in constant time.
Everything is a pure function but `new_secret`, so two at once cannot meet.
"""

import base64
import hmac
import secrets as chance
from collections.abc import Mapping, Sequence
from datetime import datetime

PREFIX = "whsec_"
TOLERANCE_S = 300
_SECRET_BYTES = 32


class Unverified(Exception):
    """What came is not what an owner of the secret sent just now; the message says why."""


def new_secret() -> str:
    """A fresh secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(chance.token_bytes(_SECRET_BYTES)).decode()


def sign(secrets: Sequence[str], delivery_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: `v1,…` for each of `secrets`, separated by spaces. `timestamp` is in seconds since 1970.

    Raises ValueError for a delivery id with a dot, which could be read in two ways, and for what is no secret.
    """
    return " ".join(_signatures([_key(secret) for secret in secrets], delivery_id, timestamp, body))


def headers(secrets: Sequence[str], delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers that make a request a signed webhook. Raises ValueError as `sign` does."""
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, delivery_id, timestamp, body),
    }


def verify(
    secrets: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance_s: int = TOLERANCE_S,
) -> None:
    """Raise Unverified unless one of `secrets` signed `body` within `tolerance_s` of `now`. Headers are named in any case.

    Raises ValueError for what is no secret.
    """
    keys = [_key(secret) for secret in secrets]
    sent = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not sent.get(name)]
    if missing:
        raise Unverified(f"the request has no {', no '.join(missing)}")
    try:
        timestamp = int(sent["webhook-timestamp"])
        expected = [one.encode() for one in _signatures(keys, sent["webhook-id"], timestamp, body)]
    except ValueError:
        raise Unverified("webhook-id or webhook-timestamp is not of the form that is signed") from None
    if abs(now.timestamp() - timestamp) > tolerance_s:
        raise Unverified(f"webhook-timestamp is more than {tolerance_s} s from now; check this machine's clock")
    given = sent["webhook-signature"].encode().split()
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise Unverified("no signature fits; check the secret, and that the body is read as it came")


def _signatures(keys: Sequence[bytes], delivery_id: str, timestamp: int, body: bytes) -> list[str]:
    if "." in delivery_id:
        raise ValueError("a delivery id has no dot")
    signed = b"%b.%d.%b" % (delivery_id.encode(), timestamp, body)
    return ["v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key or not secret.startswith(PREFIX):
        raise ValueError(f"a secret begins with {PREFIX} and goes on in base64")
    return key
