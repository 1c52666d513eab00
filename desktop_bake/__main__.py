"""`python -m bake` is `desktop-bake`."""

import sys

from bake.cli import main

sys.exit(main())
