"""What a registry knows of an image, without pulling it (OCI distribution spec 1.1, "Pull"; distribution, "Auth").

Every question has one time limit over all of it: name resolution, TLS, logins, redirects, slow bodies. Only a
registry's own "not there" is an answer of None; whatever else keeps it from answering is a `RegistryError`.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bake.deadline import Deadline
from bake.registry_access import Access
from bake.registry_session import MANIFEST_LIMIT_BYTES, Session
from generator.errors import DesktopBakeError, RegistryError
from generator.manifest import Index, read_config, read_manifest, same_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bake.engine import Engine
    from bake.settings import Settings
    from generator.reference import Digest, ImageReference

CONFIG_LIMIT_BYTES = 8 << 20
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class RemoteImage:
    """An image as its registry describes it, every part verified against its digest.

    Attributes:
        digest: of the manifest or index under the tag: what to pull.
        platforms: which there are.
        labels: labels of the platform asked for; None where that platform is absent.
        created: when that was made, as its builder states it (RFC 3339), or empty.
    """

    digest: Digest
    platforms: tuple[str, ...]
    labels: Mapping[str, str] | None
    created: str = ""


def access_of(settings: Settings, engine: Engine) -> Access:
    """How registries are asked in this run."""
    return Access(
        insecure=engine.registry_config, timeout_s=settings.registry_timeout_s,
        helper_timeout_s=settings.credential_helper_timeout_s, logins=engine.logins,
    )  # fmt: skip


def look_up(reference: ImageReference, platform: str, access: Access | None = None) -> RemoteImage | None:
    """Labels and platforms of an image, without pulling it.

    Args:
        reference: repository with tag or digest.
        platform: `os/architecture[/variant]` whose labels are wanted.
        access: how registries are asked; its time limit is that of the whole look-up.

    Returns:
        None where the registry says that it is not there.

    Raises:
        RegistryError: it refused, could not be reached, did not answer in time, or answered nonsense.
    """

    def ask(session: Session) -> RemoteImage | None:
        found = session.manifest(reference.digest or reference.tag or "latest")
        if found is None:
            return None
        content, digest = found
        manifest = read_manifest(content)
        platforms: tuple[str, ...] = ()
        if isinstance(manifest, Index):
            platforms = manifest.platforms
            chosen = manifest.for_platform(platform)
            if chosen is None:
                return RemoteImage(digest=digest, platforms=platforms, labels=None)
            manifest = read_manifest(session.content("manifests", chosen, MANIFEST_LIMIT_BYTES))
            if isinstance(manifest, Index):
                raise RegistryError(f"{reference}: an index where a manifest was stated", "push the image again")
        config = read_config(session.content("blobs", manifest.config, CONFIG_LIMIT_BYTES))
        labels = config.labels if same_platform(config.platform, platform) else None
        return RemoteImage(digest=digest, platforms=platforms or (config.platform,), labels=labels,
                           created=config.created)  # fmt: skip

    return within(access, reference, ask)


def digest_of(reference: ImageReference, access: Access | None = None) -> Digest | None:
    """The digest under a tag, by one HEAD request, which rate limits do not count.

    Args, Returns, Raises: as `look_up`.
    """
    tag = reference.digest or reference.tag or "latest"
    return within(access, reference, lambda session: session.digest(tag))


def within(access: Access | None, reference: ImageReference, ask: Callable[[Session], _Answer]) -> _Answer:
    """Ask in a thread that is left behind at the limit, its connections ended under it.

    Nothing else bounds name resolution or a dripping header. The time of a credential helper has a limit of its own.
    """
    access = access or Access()
    answers: list[_Answer] = []
    errors: list[BaseException] = []
    deadline = Deadline(access.timeout_s)
    session = Session(reference, access, deadline)

    def work() -> None:
        try:
            with contextlib.closing(session):
                answers.append(ask(session))
        except BaseException as error:  # noqa: BLE001  # carried to the thread that waits
            errors.append(error)

    thread = threading.Thread(target=work, name="registry", daemon=True)
    thread.start()
    while thread.is_alive() and (left_s := deadline.left_s()):
        thread.join(left_s)
    late = thread.is_alive()
    if late:
        session.abort()
    if answers:
        return answers[0]
    if late:
        raise RegistryError(
            f"registry {reference.domain} did not answer within {access.timeout_s:g} s",
            "check the network, or raise registry_timeout_s",
        )
    if isinstance(errors[0], DesktopBakeError):
        raise errors[0]
    raise RegistryError(
        f"registry {reference.domain} could not be asked: {type(errors[0]).__name__}",
        f"check: docker pull {reference.repository}",
    ) from errors[0]
