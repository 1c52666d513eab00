"""`docker buildx bake` through python-on-whales, in a separate process.

python-on-whales has no time limit and takes a quarter of a second to import. This program reads one request as JSON
from standard input. The process that started it can end it, and the `docker` process below it, with one signal to the
process group, which cancels the build in BuildKit too.
"""

from __future__ import annotations

import json
import os
import sys

try:  # before the request arrives: the process that started us is still asking others
    from pydantic import BaseModel

    BaseModel.model_config["defer_build"] = True  # a bake uses none of the 148 models of python-on-whales
    from python_on_whales import DockerClient
    from python_on_whales.client_config import ClientNotFoundError
    from python_on_whales.exceptions import DockerException
except KeyboardInterrupt:  # the sender says why
    os._exit(130)

# python-on-whales pipes both outputs of a command that it streams, so docker draws on standard input: our terminal.
_DRAWING = ["sh", "-c", 'exec docker "$@" 2>&0 </dev/null', "docker"]


def main() -> int:
    """Run the bake that standard input describes; BuildKit's progress goes to standard error."""
    request = json.load(sys.stdin)
    draw = request["progress"] != "plain"  # on a terminal, BuildKit draws its progress itself
    if draw:
        os.dup2(sys.stderr.fileno(), sys.stdin.fileno())
    try:
        lines = DockerClient(client_call=_DRAWING if draw else ["docker"]).buildx.bake(
            targets=request["targets"],
            files=[request["file"]],
            builder=request["builder"],
            set=request["set"],
            progress=request["progress"],
            variables=request["variables"],
            stream_logs=True,  # without this, it asks for the bake's plan again at the end
        )
        for line in lines:  # nothing runs before this
            sys.stderr.write(line)
            sys.stderr.flush()
    except DockerException:  # its text contains whole command lines; BuildKit's own words are on standard error
        return 1
    except (ClientNotFoundError, OSError) as error:  # docker does not start
        print(f"cannot run docker: {getattr(error, 'strerror', '') or 'it is not in PATH'}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:  # the sender says why
        status = 130
    sys.stderr.flush()
    os._exit(status)  # nothing is left to do, and shutting pydantic down takes as long as a look-up
