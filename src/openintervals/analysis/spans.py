"""Spans: stretches of an activity by record, and how a set of them comes to cover all of it.

`start_index` is the first record, `end_index` the one after the last. A partition covers every record exactly once, in order. What people mark
seldom does: overlaps are cut where the later one begins, and what nobody marked becomes spans of its own. Doing it again changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

SPANS_MOST = 1000


class TooMany(ValueError):
    """More spans than anybody marks."""


@dataclass(frozen=True, slots=True)
class Span:
    """Records from `start_index` up to, not including, `end_index`, and what people call them."""

    start_index: int
    end_index: int
    label: str | None = None


def partition(records: int, wanted: Iterable[Span]) -> list[Span]:
    """Spans that cover `records` exactly once: those wanted, clipped and cut where they overlap, and others in the gaps.

    Where two begin together the longer one goes on after the shorter. One that is left empty is dropped. Raises TooMany beyond `SPANS_MOST`,
    which completing and splitting may pass but wishes may not: a partition twice as long is taken, too.
    """
    spans: list[Span] = []
    at = 0
    known = sorted(
        (
            replace(span, start_index=max(span.start_index, 0), end_index=min(span.end_index, records))
            for span in wanted
        ),
        key=lambda span: (span.start_index, span.end_index),
    )
    if len(known) > 2 * SPANS_MOST + 1:
        raise TooMany(f"{len(known)} intervals; at most {SPANS_MOST} can be marked")
    for place, span in enumerate(known):
        start = max(span.start_index, at)
        # The later one begins where it says, unless it begins together with this one.
        later = next((other.start_index for other in known[place + 1 :] if other.start_index > start), records)
        end = min(span.end_index, later)
        if end <= start:
            continue
        if start > at:
            spans.append(Span(at, start))
        spans.append(Span(start, end, span.label))
        at = end
    if at < records:
        spans.append(Span(at, records))
    return spans


def split(spans: Sequence[Span], at: int) -> list[Span]:
    """Cut the span that holds record `at`, so that a new one begins there; a cut on a border changes nothing."""
    result: list[Span] = []
    for span in spans:
        if span.start_index < at < span.end_index:
            result += [replace(span, end_index=at), replace(span, start_index=at)]
        else:
            result.append(span)
    return result


def without(records: int, spans: Sequence[Span], doomed: Iterable[Span], easy: Iterable[Span] = ()) -> list[Span]:
    """A partition without some spans, found by their borders; unlabelled `easy` spans beside a hole become one with it."""
    gone = {(span.start_index, span.end_index) for span in doomed}
    soft = {(span.start_index, span.end_index) for span in easy if span.label is None}
    kept: list[Span] = []
    hole: Span | None = None
    dug = False
    for span in partition(records, spans):
        borders = (span.start_index, span.end_index)
        if borders not in gone and borders not in soft:
            hole, dug = None, False
            kept.append(span)
        elif hole is not None and (dug or borders in gone):
            kept[-1] = hole = Span(hole.start_index, span.end_index)
            dug = True
        else:
            hole, dug = Span(*borders), borders in gone
            kept.append(hole)
    return kept
