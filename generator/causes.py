"""Why a rendered folder is stale: a description of each changed input and its environments."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .recipe import BASE_ARGUMENT, OWN_ARGUMENTS
from .stack import FILES_ARGUMENT, PACKAGES_ARGUMENT
from .target_names import ALL, CHECK, COMMON, DESKTOP, LAYER, PREFLIGHT
from .variables import FOLDER_VARIABLE, REPOSITORY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .bakefile import BakeTarget
    from .read_bakefile import ReadBakeFile, Value


_IMAGE = "docker-image://"
_PLACE = re.compile(r",(?:ref|src|dest)=[^,]*")
_FILES = {"INSTALL": "install script", "SETUP": "setup script", "PREFLIGHT": "preflight", "DOCKERFILE": "Dockerfile"}
_LAYER = {
    f"{OWN_ARGUMENTS}SHA256_LAYER": "script",
    FILES_ARGUMENT: "files",
    PACKAGES_ARGUMENT: "packages",
    f"{OWN_ARGUMENTS}SHA256_PACKAGES": "install program",
    f"{OWN_ARGUMENTS}SHA256_DOCKERFILE": "Dockerfile",
}
_SETTINGS = {"attest": "attest", "annotations": "annotations", "labels": "image_labels"}


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One change.

    Attributes:
        what: `install`, `setup`, `preflight`, `layer`, `dockerfile`, `packages`, `base`, `image`, `build_arg`,
            `frontend`, `platforms`, `build_secrets`, `environment`, `setting`, `edited` or `version`.
        said: the change in words; `{of}` stands for the environments.
        environments: ids of the affected environments; empty for all.
        before, after: the old and the new value, if it is a name or a digest.
    """

    what: str
    said: str
    environments: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        return self.said.replace("{of}", ", ".join(self.environments))


def causes(before: ReadBakeFile, after: ReadBakeFile, targets: Sequence[BakeTarget]) -> tuple[Cause, ...]:
    """The changes from one bake file to another, each once, with all environments that it affects.

    Args:
        before, after: the file that was rendered, and the one that would be.
        targets: the targets of the latter.
    """
    if not before.is_ours:
        return (Cause(what="version", said="it was rendered by an earlier version of desktop-bake"),)
    found: dict[Cause, list[str]] = {}
    for cause in _settings(before, after):
        found.setdefault(cause, [])
    for target in targets:
        then, now = before.targets.get(target.name), after.targets[target.name]
        for cause in _inputs(then, now, target.holds[-1]) if then else ():
            who = [*target.environments, *target.above]
            found.setdefault(cause, []).extend(w for w in who if w not in found.get(cause, ()))
    told = [replace(cause, environments=tuple(who)) for cause, who in found.items()]
    return (*told, *_environments(before, targets))


def _inputs(then: Mapping[str, Value], now: Mapping[str, Value], part: str) -> Iterator[Cause]:
    """The changes of a target whose topmost part this is."""
    old, new = _table(then, "args"), _table(now, "args")
    if part in (DESKTOP, PREFLIGHT):
        yield from _files(old, new)
    else:
        for said in (said for name, said in _LAYER.items() if old.get(name) != new.get(name)):
            yield Cause(what=LAYER, said=f"{said} of {part} of {{of}} changed")
    yield from _packages(old.get(BASE_ARGUMENT, ""), new.get(BASE_ARGUMENT, ""))
    yield from _images(_table(then, "contexts"), _table(now, "contexts"))
    for name in sorted({*old, *new}):
        if not name.startswith(OWN_ARGUMENTS) and old.get(name) != new.get(name):
            verb = "added" if name not in old else "removed" if name not in new else "changed"
            frontend = name == "BUILDKIT_SYNTAX"
            what = "the Dockerfile's frontend" if frontend else f"build argument {name}"
            yield Cause(what="frontend" if frontend else "build_arg", said=f"{what} of {{of}} {verb}")
    for name, what in (("platforms", "platforms"), ("secret", "build_secrets")):
        if then.get(name) != now.get(name):
            yield Cause(what=what, said=f"{what} of {{of}} changed")
    if _list(then, "tags")[1:] != _list(now, "tags")[1:]:
        yield Cause(what="setting", said="further tags of {of} changed")
    if any(_cache(then, name) != _cache(now, name) for name in ("cache-from", "cache-to")):
        yield Cause(what="setting", said="the cache of {of} changed")


def _files(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Cause]:
    for part, name in _FILES.items():
        argument = f"{OWN_ARGUMENTS}SHA256_{part}"
        if argument in old and argument in new and old[argument] != new[argument]:
            preflights = part == "DOCKERFILE" and f"{OWN_ARGUMENTS}SHA256_PREFLIGHT" in new
            owner = "preflight's " if preflights else ""
            yield Cause(what=part.lower(), said=f"{owner}{name} of {{of}} changed")


def _packages(old: str, new: str) -> Iterator[Cause]:
    """A change of the packages date, which follows the base's digest."""
    before, after = (text.partition("-")[2] or "none" for text in (old, new))
    if old and new and before != after:
        said = f"packages date of {{of}} changed from {before} to {after}"
        yield Cause(what="packages", said=said, before=before, after=after)


def _cache(block: Mapping[str, Value], name: str) -> list[str]:
    """The entries of a cache without their places, which depend on the inputs."""
    return [_PLACE.sub("", entry) for entry in _list(block, name)]


def _images(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Cause]:
    for name in sorted({*old, *new}):
        then, now = old.get(name, ""), new.get(name, "")
        if then == now or not (then + now).startswith(_IMAGE):
            continue
        what = "base" if name == "base" else "image"
        (image, _, before), (wanted, _, after) = (text.removeprefix(_IMAGE).partition("@") for text in (then, now))
        if not then or not now:
            yield Cause(what=what, said=f"image {name} of {{of}} {'removed' if then else 'added'}")
        elif image != wanted:
            yield Cause(what=what, said=f"{what} of {{of}} changed from {image} to {wanted}", before=then, after=now)
        else:
            said = f"{what} {image} of {{of}} moved from {before[:19]} to {after[:19]}"
            yield Cause(what=what, said=said, before=before, after=after)


def _settings(before: ReadBakeFile, after: ReadBakeFile) -> Iterator[Cause]:
    for name, setting in _SETTINGS.items():
        if before.targets[COMMON].get(name) != after.targets[COMMON].get(name):
            yield Cause(what="setting", said=f"{setting} changed")
    for name, setting in ((REPOSITORY_VARIABLE, "repository"), (FOLDER_VARIABLE, "the folder's place")):
        then, now = (str(file.variables.get(name, {}).get("default", "")) for file in (before, after))
        if then != now and setting == "repository":
            yield Cause(what="setting", said=f"repository changed from {then} to {now}", before=then, after=now)
        elif then != now:
            yield Cause(what="setting", said=f"{setting} in its repository changed")


def _environments(before: ReadBakeFile, targets: Iterable[BakeTarget]) -> Iterator[Cause]:
    """Environments that were added or removed, and those that now use another target."""
    now = {name: (env_id, t.name) for t in targets for env_id, name in t.environments.items()}
    then = {
        name: next(iter(_list(group, "targets")), "")
        for name, group in before.groups.items()
        if name not in (ALL, DESKTOP, CHECK)
    }
    default = next((name for name in (f"{PREFLIGHT}-{ALL}", f"{DESKTOP}-{ALL}") if name in before.targets), None)
    if default:
        then[ALL] = default
    for name, (env_id, target) in now.items():
        if name not in then:
            if name != ALL:  # it has no group, and may have shared a target
                yield Cause(what="environment", said="environment {of} added", environments=(env_id,))
        elif then[name] != target and name != ALL:
            said = f"{{of}} uses {target}, not {then[name]}"
            yield Cause(what="environment", said=said, environments=(env_id,), before=then[name], after=target)
    for name in then:
        if name not in now:
            yield Cause(what="environment", said="environment {of} removed", environments=(name,))


def _table(block: Mapping[str, Value], name: str) -> Mapping[str, str]:
    value = block.get(name)
    return value if isinstance(value, dict) else {}


def _list(block: Mapping[str, Value], name: str) -> tuple[str, ...]:
    value = block.get(name)
    return value if isinstance(value, tuple) else ()
