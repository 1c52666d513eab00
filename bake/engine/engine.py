"""Docker Engine through the `docker` client: the only place that runs it, except for builds."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...generator.errors import EngineError, TaskError, TimeLimitError
from ..system.lazy import lazy
from ..system.text import first_line
from .api import CALL_TIMEOUT_S, Endpoint
from .coalesce import coalesced
from .connection import remedy_of
from .own_platform import own_platform

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping

    from ...generator.reference import ImageReference
    from ..system import captured, process, redaction
    from ..system.answers import Answers
    from ..system.process import Ended
    from . import credentials
    from .api import Answer
else:
    captured = lazy("..system.captured", __package__)
    credentials = lazy(".credentials", __package__)
    process = lazy("..system.process", __package__)
    redaction = lazy("..system.redaction", __package__)
    subprocess = lazy("subprocess")


_TRIES = 8  # of four processes that move one name, one in ten requests fails
_OUTPUT_BYTES = 16 << 20
_PING_TIMEOUT_S, _PING_EVERY_S = 5.0, 0.1
_NO_ENGINE = (
    "cannot connect to the docker",
    "failed to connect to the docker",
    "error during connect",
    "is the docker daemon",
    "permission denied while trying",
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image in the local store.

    Attributes:
        image_id: the ID, which names exactly this content.
        labels: image labels.
        platform: `os/architecture[/variant]`.
        repo_digests: `repository@digest` under which registries know it.
        size_bytes: size as reported by the engine.
        variables: the environment variables of its processes, `NAME=value`.
        layers: how many it has; None if the image is known only from a listing.
        user: the user its processes run as, `user[:group]`; empty for root.
    """

    image_id: str
    labels: Mapping[str, str]
    platform: str
    repo_digests: tuple[str, ...]
    size_bytes: int
    variables: tuple[str, ...] = ()
    layers: int | None = 0
    user: str = ""

    @property
    def stated_platform(self) -> str | None:
        """The platform; None if the image states only a part of it."""
        return self.platform if all(self.platform.split("/")) else None


class Engine:
    """The engine that the `docker` client uses: its answers to questions, and its containers.

    Every call has a time limit in seconds. Raises `EngineError` if no engine answers.

    Attributes:
        told: remembers the answers of registries during a command, or None.
    """

    told: Answers | None = None

    def __init__(self) -> None:
        self._logins: credentials.Logins | None = None
        self._guard = threading.Lock()
        self._endpoint: Endpoint | None = None
        self._known: dict[str, Image] = {}

    @property
    def logins(self) -> credentials.Logins:
        """The logins of this run, for direct requests to registries."""
        with self._guard:
            self._logins = self._logins or credentials.Logins()
        return self._logins

    def docker(
        self, *arguments: str, timeout_s: float = CALL_TIMEOUT_S, limit_bytes: int = _OUTPUT_BYTES
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `docker ARGUMENTS`, capturing what it prints.

        Raises:
            EngineError: the client is not installed, or the engine does not answer.
            TaskError: it printed more than `limit_bytes` on one stream, as a program in a container may.
            TimeLimitError: the call did not end within its limit.
        """
        try:
            done = captured.captured(["docker", *arguments], limit_s=timeout_s, limit_bytes=limit_bytes)
        except OSError as error:
            raise no_client(error) from error
        except subprocess.TimeoutExpired as error:
            raise TimeLimitError(
                f"docker did not answer within {timeout_s:g} s", "check the engine: docker info"
            ) from error
        except captured.TooMuchError as error:
            raise TaskError(
                f"docker {arguments[0]} was stopped: it printed more than {limit_bytes >> 20} MiB",
                "see which program of the container prints that",
            ) from error
        said = done.stderr.decode(errors="replace")
        if done.returncode and any(sign in said.lower() for sign in _NO_ENGINE):
            raise EngineError(f"no Docker Engine answers: {first_line(said)}", remedy_of(said))
        return done

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine is; determined once."""
        self._endpoint = self._endpoint or Endpoint.current()
        return self._endpoint

    def ask(self, method: str, path: str, query: Mapping[str, object] | None = None) -> Answer:
        """Send one request to the engine's API.

        Raises:
            EngineError: no engine answers, or it failed.
            TimeLimitError: it did not answer in time.
        """
        answer = self.endpoint.ask(method, path, query)
        if answer.status >= 500 or (answer.status < 300 and answer.content is None and method == "GET"):
            raise EngineError(f"the engine failed: {answer.message}", "check the engine: docker info")
        return answer

    def answers(self) -> bool:
        """Whether the engine answers within some seconds."""
        try:
            return self.endpoint.ask("GET", "/_ping", timeout_s=_PING_TIMEOUT_S).status == 200
        except (EngineError, TimeLimitError):
            return False

    def returns(self, limit_s: float, cancel: threading.Event | None = None) -> bool:
        """Wait until the engine answers, for instance after a restart.

        Args:
            limit_s: how long, in seconds.
            cancel: set by another thread to stop waiting.
        """
        end = time.monotonic() + limit_s
        while not self.answers():
            if time.monotonic() > end or (cancel and cancel.is_set()):
                return False
            time.sleep(_PING_EVERY_S)
        return True

    def is_remote(self) -> bool:
        """Whether the engine is on another machine, so that its loopback is not this machine's."""
        return self.endpoint.is_remote

    def image(self, reference: str) -> Image | None:
        """The image with this reference or ID in the local store, or None; several threads share the answer."""
        path = f"/images/{reference}/json"
        answer = coalesced((self.endpoint.host, path), lambda: self.ask("GET", path))
        if answer.status != 200:
            return None
        try:
            image = _image(answer.content)
        except (KeyError, TypeError, AttributeError) as error:
            raise EngineError("the engine's answer is not understood", "check: docker image inspect") from error
        self._known[image.image_id] = image
        return image

    def known(self, reference: str) -> Image | None:
        """As `image`, for what an image consists of: an ID that was looked up before is not asked for again."""
        return self._known.get(reference) or self.image(reference)

    def history(self, image_id: str) -> tuple[str, ...]:
        """What made each entry of an image's history, oldest first; empty if the image is gone."""
        answer = self.ask("GET", f"/images/{image_id}/history")
        if answer.status != 200:
            return ()
        try:
            return tuple(entry.get("CreatedBy") or "" for entry in reversed(answer.content))
        except (TypeError, AttributeError) as error:
            raise EngineError("the engine's answer is not understood", "check: docker history") from error

    def labelled(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """The labels of the images that have all these labels, by image ID, in one query."""
        filters = {"label": [f"{name}={value}" for name, value in labels.items()]}
        try:
            return {entry["Id"]: entry.get("Labels") or {} for entry in self.images(filters)}
        except (KeyError, TypeError, AttributeError) as error:
            raise EngineError("the engine's answer is not understood", "check: docker image ls") from error

    def images(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """The images that pass these filters, as the engine lists them (Docker Engine API, "List Images")."""
        answer = self._undisturbed("GET", "/images/json", {"filters": filters, "manifests": True})
        if answer.status != 200:
            raise EngineError(f"cannot list images: {answer.message}", "check: docker image ls")
        return list(answer.content)

    def tag(self, image_id: str, name: ImageReference) -> None:
        """Give an image another name; an `EngineError` if the engine refuses, for example because the image is gone."""
        query = {"repo": f"{name.domain}/{name.path}", "tag": name.tag or "latest"}
        answer = self._undisturbed("POST", f"/images/{image_id}/tag", query)
        if answer.status != 201:
            raise EngineError(f"cannot tag an image as {name}: {answer.message}", "check: docker image ls")

    def _undisturbed(self, *question: Any) -> Answer:
        """Ask again if containerd's store fails: another process names or removes an image at that moment."""
        for _ in range(_TRIES):
            if (answer := self.endpoint.ask(*question)).status < 300:
                break
        return answer

    def untag(self, name: ImageReference) -> None:
        """Remove a name from an image that has others."""
        self.ask("DELETE", f"/images/{name}")

    def platform(self) -> str:
        """The engine's own platform, `os/architecture`."""

        def ask() -> str:
            answer = self.ask("GET", "/version").content
            return f"{answer.get('Os')}/{answer.get('Arch')}"

        return own_platform(self.endpoint.host, ask)

    def has_containerd_store(self) -> bool:
        """Whether the engine keeps images in containerd's store, where an image's ID is its registry's digest."""
        return "io.containerd.snapshotter" in json.dumps(self.ask("GET", "/info").content.get("DriverStatus"))

    def registry_config(self) -> Mapping[str, Any]:
        """Which registries the engine uses without trusted TLS: `RegistryConfig` in its system information."""
        config = self.ask("GET", "/info").content.get("RegistryConfig")
        return config if isinstance(config, dict) else {}

    def work(
        self,
        *arguments: str,
        log: Callable[[str], None],
        draw: bool,
        limit_s: float,
        cancel: threading.Event | None = None,
    ) -> Ended:
        """Run `docker ARGUMENTS` that take long; its lines go to the log, or it draws on this terminal.

        Args:
            limit_s: time limit in seconds, after which it is ended.
            cancel: set by another thread to end it.

        Raises:
            EngineError: the client is not installed.
            CancelledError: `cancel` was set.
        """
        try:
            child = process.Child(["docker", *arguments], draw=draw)
        except OSError as error:
            raise no_client(error) from error
        with child, process.ended_by(cancel, child.end):
            return child.follow(limit_s, log, hide=redaction.without_secrets())


def no_client(error: OSError) -> EngineError:
    """The error to raise if the docker client does not start."""
    if isinstance(error, FileNotFoundError):
        return EngineError("the docker client is not installed", "install Docker and put it in PATH")
    return EngineError(f"the docker client cannot be started: {error.strerror}", "try it: docker version")


def platform_of(system: str, architecture: str, variant: str | None) -> str:
    """A platform written as `os/architecture[/variant]`."""
    return f"{system}/{architecture}" + (f"/{variant}" if variant else "")


def _image(entry: dict[str, Any]) -> Image:
    return Image(
        image_id=entry["Id"],
        labels=(entry.get("Config") or {}).get("Labels") or {},
        platform=platform_of(entry["Os"], entry["Architecture"], entry.get("Variant")),
        repo_digests=tuple(entry.get("RepoDigests") or ()),
        size_bytes=entry.get("Size") or 0,
        variables=tuple((entry.get("Config") or {}).get("Env") or ()),
        layers=len((entry.get("RootFS") or {}).get("Layers") or ()),
        user=(entry.get("Config") or {}).get("User") or "",
    )
