"""Benchmarks: each prints a ratio against a named yardstick, measured in one run on one machine over the
same data.

run.py            the command: sets up, runs the benchmarks by name, prints the table
speed.py          events-page, register: requests per second against the yardsticks
slow_commit.py    slow-disk: shared commits against commits one at a time, with 5 ms added to every fsync
decoding.py uploads.py imports.py    files of activities, against fitdecode and fitfast
training_reads.py streams, lists and curves against plain_training.py, over HTTP
growth.py         pages, start, memory: what must not grow with the data or with time
bare.py usual.py plain_training.py    the yardsticks that serve
product.py        our own server, its keys and its filled database
data.py season.py the made-up content that every contestant holds: a club, an athlete
servers.py load.py client.py rounds.py    starting, loading, probing, comparing
"""
