"""Docker Engine through the `docker` client: the one place that runs it, but for builds."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.errors import ConfigurationError, EngineError, RegistryError, TimeLimitError
from generator.key import SCHEMA_LABEL
from generator.reference import Digest, ImageReference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CALL_TIMEOUT_S = 60.0
LOOKUP_TIMEOUT_S = 10.0
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
        return self.finish(self.start(*arguments), timeout_s)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `docker ARGUMENTS`, so that questions can be asked side by side; `finish` takes the answer."""
        try:
            return subprocess.Popen(
                ["docker", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise EngineError("the docker client is not installed", "install Docker and put it in PATH") from error

    def finish(
        self, process: subprocess.Popen[bytes], timeout_s: float = CALL_TIMEOUT_S
    ) -> subprocess.CompletedProcess[bytes]:
        """The answer of a started call; errors as of `docker`."""
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeLimitError(
                f"docker did not answer within {timeout_s:g} s", "check the engine: docker info"
            ) from error
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        said = err.decode(errors="replace")
        if process.returncode and any(sign in said.lower() for sign in _NO_ENGINE):
            raise EngineError(
                f"no Docker Engine answers: {first_line(said)}",
                "start Docker, or set DOCKER_HOST or --context",
            )
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def images(self, references: Sequence[str]) -> list[Image]:
        """Those of these references or IDs that the local store holds."""
        if not references:
            return []
        done = self.docker("image", "inspect", *references)
        try:
            return [_image(entry) for entry in json.loads(done.stdout or b"[]")]
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError("the engine's answer is not understood", "check: docker image inspect") from error

    def labelled_and_base(
        self, labels: Mapping[str, str], reference: ImageReference
    ) -> tuple[list[Image], Digest, str | None]:
        """The images that carry all these labels, by one query, and at its side the base's digest and platform.

        Errors as of `base`.
        """
        filters = [part for name, value in labels.items() for part in ("--filter", f"label={name}={value}")]
        listing = self.start("image", "ls", "--no-trunc", "-q", *filters)
        try:
            digest, platform = self.base(reference)
        finally:
            done = self.finish(listing)
        if done.returncode:
            raise EngineError(f"cannot list images: {first_line(done.stderr.decode())}", "check: docker image ls")
        return self.images(sorted(set(done.stdout.decode().split()))), digest, platform

    def ours(self) -> list[Image]:
        """Every image of the local store that this project baked."""
        done = self.docker("image", "ls", "--no-trunc", "-q", "--filter", f"label={SCHEMA_LABEL}")
        return self.images(sorted(set(done.stdout.decode().split())))

    def platform(self) -> str:
        """The engine's own platform, `os/architecture`."""
        done = self.docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")
        if done.returncode:
            raise EngineError(f"no Docker Engine answers: {first_line(done.stderr.decode())}", "start Docker")
        return done.stdout.decode().strip()

    def base(self, reference: ImageReference) -> tuple[Digest, str | None]:
        """The base image's digest as a registry knows it, and its platform where the store holds it.

        Asks the local store first, the registry where it is not there. An image that no registry knows is
        named by its ID.

        Raises:
            ConfigurationError: there is no such image.
            RegistryError: the registry refused or could not be reached.
        """
        found = self.images([str(reference)])
        if found:
            return reference.digest or _registry_digest(found[0], reference), found[0].platform
        if reference.digest:
            return reference.digest, None
        return self._registry_base(reference), None

    def _registry_base(self, reference: ImageReference) -> Digest:
        name = str(reference)
        remedy = f"check base_image and that 'docker pull {name}' works"
        try:
            done = self.docker(
                "buildx",
                "imagetools",
                "inspect",
                "--format",
                "{{json .Manifest}}",
                name,
                timeout_s=LOOKUP_TIMEOUT_S,
            )
        except TimeLimitError as error:
            raise RegistryError(
                f"base image {name}: the registry did not answer in {LOOKUP_TIMEOUT_S:g} s", remedy
            ) from error
        if done.returncode == 0:
            try:
                return Digest(json.loads(done.stdout)["digest"])
            except (ValueError, KeyError, TypeError) as error:
                raise RegistryError(f"base image {name}: the registry's answer is not understood", remedy) from error
        said = last_line(done.stderr.decode(errors="replace"))
        if "not found" in said:
            raise ConfigurationError(f"base image {name} does not exist here or in its registry", remedy)
        if "not a docker command" in said or "unknown command" in said:
            raise EngineError("buildx is missing", "install the docker-buildx plugin, 0.13 or newer")
        raise RegistryError(f"base image {name}: {said}", remedy)


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


def _registry_digest(image: Image, reference: ImageReference) -> Digest:
    known = [ImageReference.parse(text) for text in image.repo_digests]
    for candidate in known:
        if candidate.repository == reference.repository and candidate.digest:
            return candidate.digest
    digests = sorted(str(k.digest) for k in known if k.digest)
    return Digest(digests[0] if digests else image.image_id)


def first_line(text: str) -> str:
    """The first line that says something, shortened to a line's length."""
    return next((line.strip()[:300] for line in text.splitlines() if line.strip()), "no reason given")


def last_line(text: str) -> str:
    """The last line that says something, shortened to a line's length."""
    return first_line("\n".join(reversed(text.splitlines())))
