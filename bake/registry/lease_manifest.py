"""A lease on building a key, as stored in the team's registry (OCI image spec 1.1, "Guidelines for Artifact Usage").

It is an artifact without content. Its annotations carry all of it, and none names a machine or a person.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ...generator.reference import Digest
from .manifest import OCI_MANIFEST

if TYPE_CHECKING:
    from ...generator.layer_key import Key


EMPTY = b"{}"
BEATS = 4
LONGEST_S = 60
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_TYPE = "application/vnd.desktop-bake.lease.v1"
_OWNER, _BEAT, _LIFETIME = (f"desktop-bake.lease.{name}" for name in ("owner", "beat", "lifetime-s"))


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The lease of one builder.

    Args:
        owner: 32 random hex digits.
        beat: count of the owner's signs of life, from 0, modulo `BEATS`: a build leaves that many small manifests.
        lifetime_s: seconds without a beat after which the lease lapses, at most `LONGEST_S`.

    Raises:
        ConfigurationError: a value has another form.
    """

    owner: str
    beat: int = 0
    lifetime_s: int

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{32}", self.owner):
            raise ConfigurationError("malformed owner of a lease", "write 32 lower-case hex digits")
        if not (0 <= self.beat < BEATS and 0 < self.lifetime_s <= LONGEST_S):
            raise ConfigurationError(
                "malformed beat or lifetime of a lease", f"write at most {BEATS - 1} and {LONGEST_S}"
            )

    def next(self) -> Lease:
        """The same lease, one beat later."""
        return replace(self, beat=(self.beat + 1) % BEATS)

    def content(self) -> bytes:
        """The manifest."""
        return _manifest({_OWNER: self.owner, _BEAT: str(self.beat), _LIFETIME: str(self.lifetime_s)})

    def digests(self) -> frozenset[Digest]:
        """The digests of the manifest at every beat."""
        return frozenset(Digest.of(replace(self, beat=beat).content()) for beat in range(BEATS))


def _manifest(annotations: dict[str, str]) -> bytes:
    empty = {"mediaType": _EMPTY_TYPE, "digest": str(Digest.of(EMPTY)), "size": len(EMPTY)}
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": _TYPE,
            "config": empty,
            "layers": [empty],
            "annotations": annotations,
        },
        separators=(",", ":"),
    ).encode()


RELEASED = _manifest({})  # stays under the tag if the registry does not delete


def lease_tag(key: Key, platform: str = "") -> str:
    """The tag of the lease on a key; no key has such a tag.

    Args:
        key: the key to build.
        platform: the platform of the build, if it is not for all; machines of other platforms build at the same time.
    """
    named = f"{key} {platform}" if platform else str(key)
    return f"lease-{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def read_lease(content: bytes) -> Lease | None:
    """The lease in a manifest; None if it is released, or if the manifest is not a lease."""
    try:
        manifest = json.loads(content)
        said = manifest["annotations"]
        if manifest["artifactType"] != _TYPE:
            return None
        return Lease(owner=said[_OWNER], beat=int(said[_BEAT]), lifetime_s=int(said[_LIFETIME]))
    except (ConfigurationError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
