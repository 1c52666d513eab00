"""`python -m desktop_bake` is `desktop-bake`."""

import sys

from .bake.cli.main import main

sys.exit(main())
