"""Names in the bake file: how an environment's id appears in targets, groups, folders and tags."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


DESKTOP, PREFLIGHT, LAYER, CHECK = "desktop", "preflight", "layer", "desktop-check"
ALL = "default"  # the group that Bake builds by default
COMMON = "_desktop"  # all targets inherit from it
METADATA = "docker-metadata-action"  # the target that the bake file of docker/metadata-action fills
_LONGEST = 63
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")
# `desktop-x`, `desktop-check-x`, `preflight-x` and `layer-y-x` are targets of `x`, and `_x` is private by convention
_RESERVED = re.compile(rf"(?i)(?:desktop|preflight|layer|check|env)(?:-.*)?|{METADATA}|[_-].*|")


def names_of(env_ids: Iterable[str]) -> Mapping[str, str]:
    """The name of each environment, unique even if a file system ignores case.

    An id that is a target name (`[a-zA-Z0-9_-]+`, at most 63 characters) is used as it is; one that Bake or one of our
    names needs gets the prefix `env-`. Of ids that differ only in case, the one in lower case keeps its name. Any other
    id becomes its letters and digits, and the first 8 hex digits of its SHA-256.

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
            stem, digest = _stem(env_id), hashlib.sha256(env_id.encode()).hexdigest()
            digits = next(n for n in range(8, 65, 8) if _hashed(stem, digest[:n]).lower() not in taken)
            names[env_id] = _hashed(stem, digest[:digits])
            taken.add(names[env_id].lower())
    return names


def layer_name(layer: str, environment: str, digits: str, taken: Iterable[str]) -> str:
    """The name of a layer's target, `layer-LAYER-ENVIRONMENT`, unique even if a file system ignores case.

    Args:
        layer: its name for people; characters invalid in a target's name become `-`, and some digits of its SHA-256
            follow.
        environment: the name of the first environment that has it.
        digits: the digits of its key; some of them follow if another target has the same name.
        taken: the names of the targets before it.
    """
    others = {name.lower() for name in taken}
    plain = layer if _NAME.fullmatch(layer) else f"{_stem(layer)}-{hashlib.sha256(layer.encode()).hexdigest()[:8]}"
    name = f"{LAYER}-{plain.strip('-')}-{environment}"
    return next(n for n in (name, *(f"{name}-{digits[:end]}" for end in range(8, 65, 8))) if n.lower() not in others)


def _stem(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:40].strip("-_")


def _unreserved(name: str) -> str:
    return f"env-{name}" if _RESERVED.fullmatch(name) else name


def _hashed(stem: str, digits: str) -> str:
    return f"{_unreserved(stem)}-{digits}" if stem else f"env-{digits}"
