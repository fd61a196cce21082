"""Signatures of webhooks: the published vector, and verification by somebody else's library."""

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from openintervals.platform import signatures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
BODY = b'{"test": 2432232314}'


def test_the_published_vector_comes_out() -> None:
    signature = signatures.sign([SECRET], ID, 1614265330, BODY)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.text())
def test_the_independent_library_verifies_what_is_signed(text: str) -> None:
    secret = signatures.new_secret()
    body = text.encode(errors="replace")

    headers = signatures.headers([secret], "d1", int(time.time()), body)

    standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False)


def test_while_a_secret_is_replaced_each_of_the_two_verifies_alone() -> None:
    old, new = signatures.new_secret(), signatures.new_secret()

    headers = signatures.headers([new, old], "d1", int(time.time()), BODY)

    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        standardwebhooks.Webhook(secret).verify(BODY, headers)
        signatures.verify([secret], headers, BODY, datetime.now(UTC))
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(signatures.new_secret()).verify(BODY, headers)


def test_a_new_secret_is_new_and_has_32_bytes() -> None:
    secrets = {signatures.new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert {len(base64.b64decode(secret[6:], validate=True)) for secret in secrets} == {32}


def test_headers_are_found_in_any_case() -> None:
    headers = {
        name.title(): value for name, value in signatures.headers([SECRET], ID, int(NOW.timestamp()), BODY).items()
    }

    signatures.verify([signatures.new_secret(), SECRET], headers, BODY, NOW)


@pytest.mark.parametrize("late_s", [-301, 301])
def test_what_was_signed_long_ago_or_in_the_future_is_refused(late_s: int) -> None:
    headers = signatures.headers([SECRET], ID, int(NOW.timestamp()), BODY)

    signatures.verify([SECRET], headers, BODY, NOW + timedelta(seconds=late_s - late_s // abs(late_s)))
    with pytest.raises(signatures.Unverified, match="300 s from now"):
        signatures.verify([SECRET], headers, BODY, NOW + timedelta(seconds=late_s))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"webhook-id": "another"}, "no signature fits"),
        ({"webhook-id": "a.b"}, "webhook-id"),
        ({"webhook-timestamp": "1772355601"}, "no signature fits"),
        ({"webhook-timestamp": "soon"}, "webhook-timestamp"),
        ({"webhook-timestamp": "9" * 5000}, "webhook-timestamp"),
        ({"webhook-signature": "v1,AAAA v2,x y é"}, "no signature fits"),
        ({"webhook-signature": ""}, "has no webhook-signature"),
        ({"webhook-id": "", "webhook-timestamp": ""}, "no webhook-id, no webhook-timestamp"),
    ],
)
def test_headers_that_were_changed_are_refused(changed: dict[str, str], says: str) -> None:
    headers = signatures.headers([SECRET], ID, int(NOW.timestamp()), BODY)

    with pytest.raises(signatures.Unverified, match=says):
        signatures.verify([SECRET], headers | changed, BODY, NOW)


@given(st.binary())
def test_another_body_is_refused(body: bytes) -> None:
    headers = signatures.headers([SECRET], ID, int(NOW.timestamp()), BODY)

    if body != BODY:
        with pytest.raises(signatures.Unverified, match="no signature fits"):
            signatures.verify([SECRET], headers, body, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_é", "whsec_%%%%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signatures.sign([secret], ID, 1614265330, BODY)


def test_an_id_that_could_be_read_in_two_ways_is_not_signed() -> None:
    with pytest.raises(ValueError, match="dot"):
        signatures.sign([SECRET], "a.1", 1614265330, BODY)
