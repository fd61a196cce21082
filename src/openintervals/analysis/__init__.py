"""What a recorded activity says: pure functions from arrays to numbers.

Channels are float arrays with NaN where nothing was measured, beside `time_s`, the seconds since the first record. Nothing here reads a clock,
a file or a database; numpy and the standard library are all it knows. `activity.analyse` computes everything at once; every number has its
formula, source and units in docs/metrics.md. A value that cannot be known is None, never zero.
"""
