"""Long runs: many requests while the policy changes, many decisions in many threads. `make test` runs short ones."""
