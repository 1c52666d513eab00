"""`desktop-bake` with lower limits than a test has time for: `python -m tests.harness.lowered LINE… -- WORDS…`.

Each line is Python, such as `ensure.RESTART_S = 1`.
"""

from __future__ import annotations

import select
import sys
import time

from desktop_bake.bake import ensure
from desktop_bake.bake.build import pause
from desktop_bake.bake.cli.main import main
from desktop_bake.bake.engine import api, engine
from desktop_bake.bake.task import container, start

_PARTS = (api, container, engine, ensure, pause, select, start, time)

if __name__ == "__main__":
    end = sys.argv.index("--")
    for line in sys.argv[1:end]:
        exec(line, {part.__name__.rpartition(".")[2]: part for part in _PARTS})
    sys.argv[1 : end + 1] = []
    sys.exit(main())
