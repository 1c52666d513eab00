"""Names in the bake file: what an environment's id becomes in targets, groups, folders and tags."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


DESKTOP, PREFLIGHT, CHECK = "desktop", "preflight", "desktop-check"
ALL = "default"  # the group that Bake builds if it is asked for nothing
COMMON = "_desktop"  # what all targets inherit
METADATA = "docker-metadata-action"  # the target that docker/metadata-action's bake file fills
_LONGEST = 63
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")
# `desktop-x`, `desktop-check-x` and `preflight-x` are targets of `x`, and `_x` is private by convention
_RESERVED = re.compile(rf"(?i)(?:desktop|preflight|check|env)(?:-.*)?|{METADATA}|[_-].*|")


def names_of(env_ids: Iterable[str]) -> Mapping[str, str]:
    """The name of each environment, unique whatever case a file system takes it in.

    An id that is a target name (`[a-zA-Z0-9_-]+`, at most 63 characters) is its own name; one that Bake, or a name of
    ours, needs gets `env-` in front of it. Of ids that differ in case alone, the one in lower case keeps its name. Any
    other id is its letters and digits, and the first 8 hex digits of its SHA-256.

    Args:
        env_ids: the ids, in any order; each name depends on its own id alone, unless two would get the same.
    """
    ids = sorted(set(env_ids))
    plain = {env_id: _unreserved(env_id) for env_id in ids if _NAME.fullmatch(env_id)}
    alike = Counter(name.lower() for name in plain.values())
    names = {i: name for i, name in plain.items() if alike[name.lower()] == 1 or name == name.lower()}
    taken = {name.lower() for name in names.values()}
    for env_id in ids:
        if env_id not in names:
            digest = hashlib.sha256(env_id.encode()).hexdigest()
            stem = re.sub(r"[^A-Za-z0-9_-]+", "-", env_id)[:40].strip("-_")
            digits = next(n for n in range(8, 65, 8) if _hashed(stem, digest[:n]).lower() not in taken)
            names[env_id] = _hashed(stem, digest[:digits])
            taken.add(names[env_id].lower())
    return names


def _unreserved(name: str) -> str:
    return f"env-{name}" if _RESERVED.fullmatch(name) else name


def _hashed(stem: str, digits: str) -> str:
    return f"{_unreserved(stem)}-{digits}" if stem else f"env-{digits}"
