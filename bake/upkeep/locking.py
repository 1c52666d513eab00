"""`lock`: writes into the lock what registries have for the names that environments use and for their keys."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError, RegistryError
from ...generator.layer_key import chain_of
from ...generator.text_file import text_of
from ..config.lock import NOT_UTF8, Lock, parse_lock
from ..config.lock_edit import edit_lock
from ..config.lock_moves import Found, moves_of
from ..config.lock_names import BASE
from ..config.lock_plan import to_come
from ..config.lock_uses import Uses
from ..images.locked import NAMES
from ..images.order import key_of
from ..images.verify import refusal_of
from ..registry.client import digest_of, look_up
from ..system.edit import editing, replace_file
from ..system.files import cannot_write, new_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ...generator.reference import Digest
    from ..config.lock_moves import Moves
    from ..config.lock_plan import Wish
    from ..config.lock_uses import Use
    from ..context import Context
    from ..registry.access import Access


_AT_ONCE = 8
_PLATFORM = "linux/amd64"  # for a base with several platforms: any of them states when the image was made
_NO_PLATFORM = "unknown/unknown"  # of attestations


def found_in_registries(uses: Iterable[Use], access: Access) -> Mapping[tuple[str, str], Found]:
    """What registries currently have under these names.

    Args:
        uses: the images.
        access: how registries are asked.

    Raises:
        ConfigurationError: a registry says that it has no such image.
        RegistryError: a registry refused, or could not be asked.
    """
    uses = tuple(uses)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip((use.key for use in uses), pool.map(lambda use: _found(use, access), uses), strict=True))


def _found(use: Use, access: Access) -> Found:
    name = f"{NAMES[use.kind]} {use.reference}"
    try:
        found = _base(use, access) if use.kind == BASE else _tool(use, access)
    except RegistryError as error:
        raise RegistryError(f"{name}: {error}", error.remedy) from error
    if found is None:
        raise ConfigurationError(
            f"{name} does not exist in its registry",
            "check its name; or lock other environments alone: desktop-bake lock ENV…",
        )
    return found


def _base(use: Use, access: Access) -> Found | None:
    remote = look_up(use.reference, _PLATFORM, access)
    if remote is None:
        return None
    platforms = tuple(p for p in remote.platforms if p != _NO_PLATFORM)
    if not remote.created and platforms:
        again = look_up(use.reference, platforms[0], access)
        remote = again if again and again.digest == remote.digest else remote
    made = remote.created[:10] if remote.created[:4] > "1980" else ""  # reproducible images are dated 1970 or 1980
    return Found(digest=remote.digest, platforms=platforms, made=made)


def _tool(use: Use, access: Access) -> Found | None:
    digest = digest_of(use.reference, access)
    return Found(digest=digest, platforms=()) if digest else None


def upgraded(wish: Wish, uses: Uses, every: Uses, context: Context) -> Moves:
    """Write what registries have now into the lock, as far as requested; images of unused keys are dropped.

    Args:
        wish: the request.
        uses: the uses of the chosen environments.
        every: the uses of all environments.
        context: names the lock, and how registries are asked.

    Raises:
        ConfigurationError, RegistryError: as `found_in_registries` and `write_lock`.
    """
    settings = context.settings
    found = found_in_registries(wish.to_ask(settings.lock or Lock(), uses), context.access())

    def change(there: Lock) -> Lock:
        lock = wish.lock_with(there, uses, found)
        if not (wish.upgrade and wish.whole and lock.images):
            return lock
        keys = keys_of(settings.environments.values(), replace(context, settings=replace(settings, lock=lock)))
        return replace(lock, images={key: digest for key, digest in lock.images.items() if keys and key in keys})

    before, after = write_lock(settings.lock_file, change)
    day = after.packages
    if day and to_come(day, wish.today):
        context.reporter.warn(f'packages of {day}, a day to come, stay: if the clock is right, write "{wish.today}"')
    return moves_of(before, after, every, found)


def keys_of(environments: Iterable[Environment], context: Context) -> dict[str, Key] | None:
    """The keys of these environments and of everything below them, by their text.

    Returns:
        None if a key cannot be known without resolving a tag.

    Raises:
        ConfigurationError: a recipe is wrong.
    """
    found: dict[str, Key] = {}
    frozen = replace(context, settings=replace(context.settings, frozen=True))
    for environment in environments:
        try:
            key = key_of(environment, frozen)
        except ConfigurationError:
            context.settings.stack(environment)
            return None
        found |= {str(each): each for each in reversed(chain_of(key))}
    return found


def recorded(environments: Sequence[Environment], context: Context, *, whole: bool, moving: bool) -> Moves:
    """Write into the lock the digests of the images that the team's registry has for the environments' keys.

    Args:
        environments: the environments; those with their cache switched on are published.
        context: names the repository, the lock, and how images are verified.
        whole: whether these are all environments; digests of other keys are then dropped.
        moving: whether a locked digest may change to another one of its key; else it stays, and this is reported.

    Raises:
        ConfigurationError: a base is not locked, or `verify_command` cannot be run.
        RegistryError: the registry cannot be asked.
    """
    keys, baked = keys_of(environments, context), keys_of((e for e in environments if e.cache_enabled), context)
    if keys is None or baked is None:
        raise ConfigurationError("the keys are not known without the bases' digests", "run: desktop-bake lock")
    found = {text: digest for text, key in baked.items() if (digest := _published(key, context))}

    def change(there: Lock) -> Lock:
        images = {key: digest for key, digest in there.images.items() if not whole or key in keys}
        for key, digest in found.items():
            if images.setdefault(key, digest) != digest and not moving:
                context.reporter.warn(
                    f"image {key} is {digest} in the registry, the lock keeps {images[key]}; to take it: "
                    "desktop-bake lock --images --upgrade"
                )
        return replace(there, images={**images, **found} if moving else images)

    before, after = write_lock(context.settings.lock_file, change)
    return moves_of(before, after, Uses(images=(), dated=(), undated=()), {})


def _published(key: Key, context: Context) -> Digest | None:
    """The digest under a key's tag, if the image there proves the key; anything else under the tag is reported."""
    repository, access = context.settings.repository, context.access()
    name = replace(repository, tag=str(key))
    remote = look_up(name, _PLATFORM, access)
    if remote and remote.labels is None and remote.platforms:
        remote = look_up(name, remote.platforms[0], access)
    if remote is None:
        context.reporter.say(f"[desktop-cache] image {key} is not published")
        return None
    wrong = key.mismatch(remote.labels or {})
    refusal = f"not what its tag says: {wrong}" if wrong else ""
    if not wrong:
        why = refusal_of(f"{repository}@{remote.digest}", context)
        refusal = f"not verified: {why}" if why else ""
    if refusal:
        context.reporter.warn(f"image {key} is not recorded: in the registry it is {refusal}")
    return None if refusal else remote.digest


def write_lock(path: Path, change: Callable[[Lock], Lock]) -> tuple[Lock, Lock]:
    """Change a lock; a new file is readable for everybody.

    Args:
        path: the file, which need not exist.
        change: returns the new lock for the old one.

    Returns:
        The old and the new lock.

    Raises:
        ConfigurationError: the file is not a lock, cannot be edited, or cannot be written.
    """
    try:
        if path.is_symlink() and not path.exists():
            raise ConfigurationError(f"{path} is a symbolic link to nothing", "remove it, or bring back what it names")
        if not path.exists():
            wanted = change(Lock())
            with new_file(path, instead=False) as file:
                file.write(edit_lock("", wanted, path.name).encode())
                os.fchmod(file.fileno(), 0o644)
            return Lock(), wanted
        with editing(path) as before:
            text = text_of(before, path, NOT_UTF8)
            was = parse_lock(text, path.name)
            wanted = change(was)
            after = edit_lock(text, wanted, path.name).encode()
            if after != before:
                replace_file(path, before, after)
            return was, wanted
    except FileExistsError as error:
        raise ConfigurationError(f"{path} was written meanwhile", "nothing was written: try again") from error
    except OSError as error:
        raise cannot_write(path, error) from error
