"""One tag, several architectures: an image is added to those that other machines published under the same key.

A registry has no compare-and-swap, and an upload may take long. So an image is uploaded under a separate tag for its
key and platform, then added to the index under the key's tag, which takes milliseconds, and checked there a little
later. If another machine wrote at the same moment, the image is added again.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...generator.errors import RegistryError
from ...generator.reference import Digest
from .client import CONFIG_LIMIT_BYTES, within
from .index import Entry, added, entries_of, entry_of, index_of, media_type_of
from .lease_manifest import EMPTY, RELEASED
from .manifest import OCI_MANIFEST, Manifest, read_config, read_manifest
from .session import MANIFEST_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from ...generator.layer_key import Key
    from ...generator.reference import ImageReference
    from .access import Access
    from .manifest import ImageConfig, Index
    from .session import Session

    _Answer = TypeVar("_Answer")


TRIES = 6
SETTLE_S = (0.2, 0.6)
MOST_ENTRIES = 64


@dataclass(frozen=True, kw_only=True)
class SharedTag:
    """The tag of a key in the team's registry.

    Args:
        key: the key.
        repository: the team's repository.
        access: how its registry is asked.
    """

    key: Key
    repository: ImageReference
    access: Access

    def upload_name(self, platform: str) -> ImageReference:
        """Where an image of a platform is uploaded before it is added; no image of another key is ever there."""
        key = hashlib.sha256(str(self.key).encode()).hexdigest()[:16]
        return replace(self.repository, tag=f"push-{platform.replace('/', '-')}-{key}")

    def add(self, uploaded: ImageReference) -> None:
        """Add an uploaded image to the index, and free the tag of its upload.

        Raises:
            RegistryError: the registry refused or did not answer, or other machines wrote at each attempt.
        """
        whole, ours = self._ask(lambda session: self._uploaded(session, str(uploaded.tag)))
        for _ in range(TRIES):
            written = self._ask(lambda session: self._write(session, whole, ours))
            if written is None:
                break
            time.sleep(random.uniform(*SETTLE_S))
            if self._ask(lambda session: session.digest(self.key)) == written:
                break
        else:
            raise RegistryError(
                f"other machines write {self.repository}:{self.key} at the same time",
                "push again: desktop-bake build --push",
            )
        with contextlib.suppress(RegistryError):  # if the tag stays, it keeps an image that may not be needed
            self._ask(lambda session: _free(session, str(uploaded.tag)))

    def _ask(self, question: Callable[[Session], _Answer]) -> _Answer:
        return within(self.access, self.repository, question)

    def _uploaded(self, session: Session, tag: str) -> tuple[bytes, tuple[Entry, ...]]:
        """The uploaded content, as bytes and as entries."""
        found = session.manifest(tag)
        entries = self._proven(session, *found) if found else ()
        if found is None or not entries:
            raise RegistryError(
                f"what is under {tag} is not what was uploaded", "push again: desktop-bake build --push"
            )
        return found[0], entries

    def _write(self, session: Session, whole: bytes, ours: tuple[Entry, ...]) -> Digest | None:
        """Write ours and return the digest of the result, to be checked again; None if ours is already there."""
        found = session.manifest(self.key)
        there = self._proven(session, *found, but=ours) if found else ()
        if {e.digest for e in ours} <= {e.digest for e in there}:
            return None
        kept = added(there, ours)
        content = whole if kept == ours else index_of(kept)
        session.put_manifest(str(self.key), content, media_type_of(content))
        return Digest.of(content)

    def _proven(self, session: Session, content: bytes, digest: Digest, but: Iterable[Entry] = ()) -> tuple[Entry, ...]:
        """The images under a tag that prove the key, or are known to prove it, and their attestations."""
        manifest = _read(read_manifest, content)
        if isinstance(manifest, Manifest):
            config = self._config(session, manifest)
            return (entry_of(content, digest, config.platform),) if config else ()
        if manifest is None:
            return ()
        entries, known = entries_of(content), {e.digest for e in but}
        if len(entries) > MOST_ENTRIES:
            raise RegistryError(f"{self.repository}:{self.key} has {len(entries)} entries", "remove that tag")
        proven = {
            str(image.digest)
            for image in manifest.manifests
            if str(image.digest) in known
            or self._config(session, _read(read_manifest, session.content("manifests", image, MANIFEST_LIMIT_BYTES)))
        }
        return tuple(e for e in entries if e.digest in proven or e.about in proven)

    def _config(self, session: Session, manifest: Manifest | Index | None) -> ImageConfig | None:
        """The configuration of an image whose labels prove the key."""
        if not isinstance(manifest, Manifest):
            return None
        config = _read(read_config, session.content("blobs", manifest.config, CONFIG_LIMIT_BYTES))
        return config if config and self.key.mismatch(config.labels) is None else None


def _read(read: Callable[[bytes], _Answer], content: bytes) -> _Answer | None:
    """The parsed content; None if it cannot be read, so that ours may replace it."""
    try:
        return read(content)
    except RegistryError:
        return None


def _free(session: Session, tag: str) -> None:
    session.put_blob(EMPTY)
    session.put_manifest(tag, RELEASED, OCI_MANIFEST)
