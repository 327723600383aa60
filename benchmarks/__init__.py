"""How quick the library is beside a hand-written check and other engines: run `python -m benchmarks`."""
