"""Questions asked of a whole log: what was decided, how often, for whom, and what another policy would decide."""
