"""`python -m policy` is the program `policy`."""

import sys

from policy.cli import main

sys.exit(main())
