"""`python -m samerun`."""

from __future__ import annotations

import sys

from samerun.cli import main

if __name__ == "__main__":
    sys.exit(main())
