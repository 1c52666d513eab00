"""Docker Engine through the `docker` client: the one place that runs it, but for builds."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bake.client_config import client_config
from generator.errors import EngineError, RegistryError, TimeLimitError
from generator.key import SCHEMA, SCHEMA_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bake.process import Ended
    from generator.reference import ImageReference

OLDEST_BUILDX = (0, 13)
CALL_TIMEOUT_S = 60.0
_NO_ENGINE = (
    "cannot connect to the docker",
    "failed to connect to the docker",
    "error during connect",
    "is the docker daemon",
    "permission denied while trying",
)


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of the local store.

    Attributes:
        image_id: the ID, which names this content and nothing else.
        labels: image labels.
        platform: `os/architecture[/variant]`.
        repo_digests: `repository@digest` under which registries know it.
        size_bytes: size as the engine states it.
    """

    image_id: str
    labels: Mapping[str, str]
    platform: str
    repo_digests: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class BuilderInfo:
    """A buildx builder.

    Attributes:
        driver: `docker`, `docker-container`, `kubernetes` or `remote`.
        exports_cache: whether it can; the classic image store of the `docker` driver cannot.
    """

    driver: str
    exports_cache: bool


class Engine:
    """Questions to, and containers of, the engine that the `docker` client is set to use.

    Every call has a time limit in seconds. Raises `EngineError` where no engine answers.
    """

    def docker(self, *arguments: str, timeout_s: float = CALL_TIMEOUT_S) -> subprocess.CompletedProcess[bytes]:
        """Run `docker ARGUMENTS`, capturing what it prints.

        Raises:
            EngineError: the client is not installed, or the engine does not answer.
            TimeLimitError: the call did not end within its limit.
        """
        try:
            done = subprocess.run(
                ["docker", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
            )
        except FileNotFoundError as error:
            raise EngineError("the docker client is not installed", "install Docker and put it in PATH") from error
        except subprocess.TimeoutExpired as error:
            raise TimeLimitError(
                f"docker did not answer within {timeout_s:g} s", "check the engine: docker info"
            ) from error
        said = done.stderr.decode(errors="replace")
        if done.returncode and any(sign in said.lower() for sign in _NO_ENGINE):
            raise EngineError(
                f"no Docker Engine answers: {first_line(said)}",
                "start Docker, or set DOCKER_HOST or --context",
            )
        return done

    def images(self, references: Sequence[str]) -> list[Image]:
        """Those of these references or IDs that the local store holds."""
        if not references:
            return []
        done = self.docker("image", "inspect", *references)
        try:
            return [_image(entry) for entry in json.loads(done.stdout or b"[]")]
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError("the engine's answer is not understood", "check: docker image inspect") from error

    def labelled(self, labels: Mapping[str, str]) -> list[Image]:
        """The images that carry all these labels, by one query."""
        filters = [part for name, value in labels.items() for part in ("--filter", f"label={name}={value}")]
        done = self.docker("image", "ls", "--no-trunc", "-q", *filters)
        if done.returncode:
            raise EngineError(f"cannot list images: {first_line(done.stderr.decode())}", "check: docker image ls")
        return self.images(sorted(set(done.stdout.decode().split())))

    def ours(self) -> list[Image]:
        """Every image of the local store that this project baked."""
        return self.labelled({SCHEMA_LABEL: SCHEMA})

    def platform(self) -> str:
        """The engine's own platform, `os/architecture`."""
        done = self.docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")
        if done.returncode:
            raise EngineError(f"no Docker Engine answers: {first_line(done.stderr.decode())}", "start Docker")
        return done.stdout.decode().strip()

    def is_remote(self) -> bool:
        """Whether the engine is on another machine, so that its loopback is not ours."""
        host = os.environ.get("DOCKER_HOST")
        if not host:
            context = os.environ.get("DOCKER_CONTEXT")
            with contextlib.suppress(RegistryError):  # docker, too, does without a configuration that it cannot read
                context = context or client_config().get("currentContext")
            if context in (None, "", "default"):
                return False
            shown = self.docker("context", "inspect", str(context), "--format", "{{.Endpoints.docker.Host}}")
            if shown.returncode:
                raise EngineError(f"docker context {context!r} is unknown", "see: docker context ls")
            host = shown.stdout.decode().strip()
        scheme, _, rest = host.partition("://")
        name = rest.rsplit("@", 1)[-1].rsplit(":", 1)[0].strip("[]")
        return scheme in ("tcp", "ssh") and name not in ("localhost", "::1") and not name.startswith("127.")

    def require_buildx(self) -> None:
        """Check that the client has a buildx that reads our bake files.

        Raises:
            EngineError: buildx is missing or too old.
        """
        said = self.docker("buildx", "version").stdout.decode(errors="replace")
        remedy = f"install the docker-buildx plugin, {'.'.join(map(str, OLDEST_BUILDX))} or newer"
        version = re.search(r"\bv?(\d+)\.(\d+)\.\d+", said)
        if not version:
            raise EngineError("buildx is missing", remedy)
        if tuple(map(int, version.groups())) < OLDEST_BUILDX:
            raise EngineError(f"buildx {version[0]} is too old", remedy)

    def base_and_guess(self, base: ImageReference, guess: str | None) -> tuple[Image | None, Image | None]:
        """The base and an image of a guessed ID, by one query; None for each that is not in the local store."""
        found = self.images([str(base), guess] if guess else [str(base)])
        guessed = next((image for image in found if image.image_id == guess), None)
        return next((image for image in found if image is not guessed), None), guessed

    def registry_config(self) -> Mapping[str, Any]:
        """Which registries the engine speaks to without trusted TLS: `RegistryConfig` of `docker info`."""
        done = self.docker("info", "--format", "{{json .RegistryConfig}}")
        try:
            config = json.loads(done.stdout)
        except ValueError:
            return {}
        return config if isinstance(config, dict) else {}

    def builder(self, name: str | None) -> BuilderInfo:
        """The buildx builder of a name, or the current one.

        Raises:
            EngineError: buildx is missing or too old, or there is no such builder.
        """
        done = self.docker("buildx", "inspect", *([name] if name else []))
        driver = re.search(r"^Driver:\s*(\S+)", done.stdout.decode(errors="replace"), re.MULTILINE)
        if done.returncode or not driver:
            self.require_buildx()
            said = last_line(done.stderr.decode(errors="replace")).removeprefix("ERROR: ")
            raise EngineError(f"builder {name or 'default'}: {said}", "see: docker buildx ls")
        context = ["--context", name] if name and driver[1] == "docker" else []
        status = self.docker(*context, "info", "--format", "{{json .DriverStatus}}") if driver[1] == "docker" else None
        return BuilderInfo(
            driver=driver[1], exports_cache=status is None or b"io.containerd.snapshotter" in status.stdout
        )

    def work(self, *arguments: str, log: Callable[[str], None], draw: bool, limit_s: float) -> Ended:
        """Run `docker ARGUMENTS` that take long: its lines go to the log, or it draws on this terminal.

        Args:
            limit_s: after so many seconds it is ended.

        Raises:
            EngineError: the client is not installed.
        """
        from bake.process import Child

        try:
            with Child(["docker", *arguments], draw=draw) as child:
                return child.follow(limit_s, log)
        except FileNotFoundError as error:
            raise EngineError("the docker client is not installed", "install Docker and put it in PATH") from error


def _image(entry: dict[str, Any]) -> Image:
    variant = entry.get("Variant") or ""
    platform = f"{entry['Os']}/{entry['Architecture']}" + (f"/{variant}" if variant else "")
    return Image(
        image_id=entry["Id"],
        labels=(entry.get("Config") or {}).get("Labels") or {},
        platform=platform,
        repo_digests=tuple(entry.get("RepoDigests") or ()),
        size_bytes=entry.get("Size") or 0,
    )


def first_line(text: str) -> str:
    """The first line that says something, shortened to a line's length."""
    return next((line.strip()[:300] for line in text.splitlines() if line.strip()), "no reason given")


def last_line(text: str) -> str:
    """The last line that says something, shortened to a line's length."""
    return first_line("\n".join(reversed(text.splitlines())))
