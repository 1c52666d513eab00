"""Scenes in a network of their own, with public addresses and no other host: JSON in, JSON out.

`tests/team/test_leads.py` and `tests/team/test_proxies.py` run it, by `unshare --net`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from desktop_bake import ImageReference, RegistryError
from desktop_bake.bake.registry.access import Access
from desktop_bake.bake.registry.client import look_up
from tests.harness import faults
from tests.harness.proxy import faulty

EVERYWHERE = {"InsecureRegistryCIDRs": ["0.0.0.0/0", "::/0"]}


def led(registry: str, target: str, how: str) -> dict[str, Any]:
    """A registry at one address redirects a look-up to another: what was said, and what was asked there."""
    with faulty("127.0.0.1:9", faults.refuses(404, "MANIFEST_UNKNOWN"), address=target) as there:
        place = f"http://{there.host}/x"
        if how == "redirect":
            fault = faults.answers(307, headers={"Location": place})
        else:
            fault = faults.answers(401, headers={"WWW-Authenticate": f'Bearer realm="{place}",service="s"'})
        with faulty("127.0.0.1:9", fault, address=registry) as here:
            said = ""
            try:
                look_up(ImageReference.parse(f"{here.host}/a:t"), "linux/amd64", Access(insecure=lambda: EVERYWHERE))
            except RegistryError as error:
                said = str(error)
        return {"said": said, "asked": len(there.requests)}


def docker_is_proxied(url: str, variables: dict[str, str]) -> bool:
    """Whether docker's own client uses the proxy; PROXY in the variables stands for its address.

    The client reaches registries by https, and an engine at a TCP port by http.
    """
    scheme, _, host = url.partition("://")
    with faulty("127.0.0.1:9", faults.answers(403)) as proxy:
        stated = {name: value.replace("PROXY", proxy.host) for name, value in variables.items()}
        engine = f"tcp://{host}{'' if ':' in host else ':80'}"
        words = ["manifest", "inspect", f"{host}/a:t"] if scheme == "https" else ["-H", engine, "version"]
        command = ["docker", *words]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, env={**os.environ, **stated}, capture_output=True, timeout=20, check=False)
        return bool(proxy.requests)


def main() -> None:
    """Run the scenes."""
    request = json.load(sys.stdin)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in request["addresses"]:
        nodad = ["nodad"] if ":" in address else []
        subprocess.run(["ip", "address", "add", address, "dev", "lo", *nodad], check=True)
    plays: dict[str, Callable[..., Any]] = {"led": led, "docker_is_proxied": docker_is_proxied}
    play = plays[request["play"]]
    with ThreadPoolExecutor(4) as pool:
        json.dump(list(pool.map(lambda words: play(*words), request["scenes"])), sys.stdout)


def apart(play: str, scenes: list[Any], addresses: list[str]) -> Any:
    """Run scenes in a new network namespace that has these addresses."""
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.harness.apart"],
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
        input=json.dumps({"play": play, "scenes": scenes, "addresses": addresses}),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
