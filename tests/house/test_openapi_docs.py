"""The generated documents of the partner API are committed as they are made now."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openintervals.api.partner import documents

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("openapi/partner.json", documents.partner_json),
        ("openapi/partner-3.0.json", documents.partner_3_0_json),
        ("routes.md", documents.routes_markdown),
    ],
)
def test_the_committed_document_is_what_the_code_makes(file: str, made: Callable[[], str]) -> None:
    committed = (DOCS / file).read_text()

    fresh = made()

    assert committed == fresh, f"docs/{file} is stale; `bin/docs` writes it anew"
