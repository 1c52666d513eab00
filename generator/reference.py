"""Digests and image references, valid by construction."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .errors import ConfigurationError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_HUB = "docker.io"


@dataclass(frozen=True)
class Digest:
    """A SHA-256 content digest, `sha256:<64 lower-case hex>` (OCI image spec, descriptor.md, "Digests").

    Raises:
        ConfigurationError: the text has another form.
    """

    value: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, str) or not _DIGEST.fullmatch(self.value):
            raise ConfigurationError(
                f"malformed digest {str(self.value)[:100]!r}", "a digest is 'sha256:' and 64 lower-case hex digits"
            )

    def __str__(self) -> str:
        return self.value

    @property
    def hex(self) -> str:
        """The 64 hex digits without the algorithm."""
        return self.value[7:]

    @classmethod
    def of(cls, content: bytes) -> Digest:
        """The digest of these bytes, the same as from `sha256sum`."""
        return cls("sha256:" + hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """`[domain/]path[:tag][@digest]` (OCI distribution spec, "Pulling manifests"; distribution/reference).

    Attributes:
        domain: registry host and port, `docker.io` if none was written.
        path: repository path; on Docker Hub with `library/` for one-part names.
        tag: tag, or None.
        digest: digest, or None.
    """

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read a reference like the `docker` command line.

        Raises:
            ConfigurationError: the text is not an image reference; the remedy names the faulty part.
        """
        if not isinstance(text, str):
            raise ConfigurationError(f"the image reference is {text!r}, not of type str", "write a text in quotes")
        shown = repr(text[:160])
        rest, at, digest_text = text.rpartition("@") if "@" in text else (text, "", "")
        digest = Digest(digest_text) if at else None
        name, tag = rest, None
        head, colon, tail = rest.rpartition(":")
        if colon and "/" not in tail:
            name, tag = head, tail
            if not _TAG.fullmatch(tag):
                why = (
                    f"a tag has at most 128 characters, this one has {len(tag)}"
                    if len(tag) > 128
                    else "a tag is letters, digits, '_', '.' and '-', not starting with '.' or '-'"
                )
                raise ConfigurationError(f"malformed tag in image reference {shown}", why)
        first, slash, remainder = name.partition("/")
        if slash and (any(c in first for c in ".:[") or first == "localhost"):
            domain, path = first, remainder
        else:
            domain, path = _HUB, name
        if domain in ("index.docker.io", "registry-1.docker.io"):
            domain = _HUB
        if not _DOMAIN.fullmatch(domain):
            raise ConfigurationError(
                f"malformed registry host in image reference {shown}", "write host[:port]/path[:tag]"
            )
        if not _PATH.fullmatch(path) or len(path) > 255:
            why = "repository names are lower-case" if path.lower() != path else "write [host/]path[:tag][@digest]"
            raise ConfigurationError(f"malformed image reference {shown}", why)
        if domain == _HUB and "/" not in path:
            path = "library/" + path
        return cls(domain=domain, path=path, tag=tag, digest=digest)

    @property
    def repository(self) -> str:
        """Domain and path in the short form that Docker shows (`debian`, not `docker.io/library/debian`)."""
        if self.domain == _HUB:
            return self.path.removeprefix("library/")
        return f"{self.domain}/{self.path}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    @property
    def named(self) -> str:
        """`repository:tag`, with `latest` if neither tag nor digest was written; no digest."""
        if self.tag:
            return f"{self.repository}:{self.tag}"
        return self.repository if self.digest else f"{self.repository}:latest"

    def pinned(self, digest: Digest) -> str:
        """`repository[:tag]@digest`, the form that no moving tag can change."""
        return f"{self.named}@{digest}"
