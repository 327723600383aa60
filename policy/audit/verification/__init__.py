"""What `verify` is made of: files are read, lines are linked, links are judged."""
