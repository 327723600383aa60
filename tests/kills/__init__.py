"""Workers that are killed under load, and what of their answers is in the log afterwards."""
