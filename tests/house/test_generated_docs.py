"""Documents that are made from the source are committed as they are made now."""

import pytest

from openintervals.cli.docs import DOCUMENTS, ROOT


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_committed_document_is_what_the_source_makes(name: str) -> None:
    committed = (ROOT / name).read_text()

    fresh = DOCUMENTS[name]()

    assert committed == fresh, f"{name} is stale; `bin/docs` writes it anew"
