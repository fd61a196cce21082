"""Open Intervals: an open, self-hosted server for running clubs, races and the athletes who train for them."""

__version__ = "0.1.0"
