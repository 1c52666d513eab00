"""`docker buildx bake` through python-on-whales, in a process of its own.

python-on-whales has no time limit and takes a quarter of a second to import. Run as a program
it reads one request as JSON from standard input; whoever started it can end it, and the `docker` process below
it, with one signal to the process group, which cancels the build in BuildKit too.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> int:
    """Run the bake that standard input describes; BuildKit's progress goes to standard error."""
    from python_on_whales import docker  # before the request is there: whoever started us still asks others
    from python_on_whales.exceptions import DockerException

    request = json.load(sys.stdin)
    draw = request["progress"] != "plain"  # on a terminal BuildKit draws by itself
    try:
        lines = docker.buildx.bake(
            targets=request["targets"],
            files=[request["file"]],
            builder=request["builder"],
            set=request["set"],
            progress=request["progress"],
            variables=request["variables"],
            stream_logs=not draw,
        )
        if not draw:
            for line in lines:  # nothing runs before this
                sys.stderr.write(line)
                sys.stderr.flush()
    except DockerException:  # its text holds whole command lines; BuildKit's own words are on standard error
        return 1
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:  # whoever sent it says why
        status = 130
    sys.stderr.flush()
    os._exit(status)  # nothing is left to do, and taking pydantic down takes as long as a look-up
