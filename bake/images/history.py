"""What went into the images that were built or pulled here: kept beside the cache, for this user alone, and bounded.

A key shows that something changed, but not what. Records contain the recipe's files and the digests of build arguments'
values, which may be secret.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ...generator.layer_key import chain_of
from ..system.files import new_file
from ..system.folders import cache_folder
from .inputs import Inputs, StackInputs

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ..config.settings import Settings
    from .order import Order


KEPT_RECORDS = 200
_LIMIT_BYTES = 1 << 20


def _folder() -> Path:
    return cache_folder() / "records"


def write_record(order: Order, settings: Settings) -> None:
    """Write down what went into a key, unless it is known; a full or read-only disk only loses an explanation."""
    inputs = StackInputs.of(order.environment, order.stack)
    for key, its in zip(reversed(chain_of(order.key)), reversed(inputs.parts), strict=True):
        if its:
            _write(key, its, order.environment, settings)


def _write(key: Key, inputs: Inputs, environment: Environment, settings: Settings) -> None:
    if (_folder() / f"{key}.json").exists():
        return
    record = {
        "schema": 1,
        "environment": environment.env_id,
        "project": str(settings.root.resolve()),
        "inputs": inputs.as_json(),
    }
    with contextlib.suppress(OSError):
        _folder().mkdir(parents=True, exist_ok=True)
        text = json.dumps(record)
        if len(text) > _LIMIT_BYTES:
            return
        with new_file(_folder() / f"{key}.json") as file:
            file.write(text.encode())
        for old in sorted(_folder().glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)[KEPT_RECORDS:]:
            old.unlink(missing_ok=True)


def read_inputs(key: Key) -> StackInputs:
    """What went into a key, as far as it is known."""
    return StackInputs.of_chain(chain_of(key), _inputs)


def _inputs(key: Key) -> Inputs | None:
    record = _read(_folder() / f"{key}.json")
    return Inputs.from_json(record.get("inputs")) if record else None


def keys_of(environment: Environment, settings: Settings) -> frozenset[str]:
    """The texts of the keys that were made for an environment of this project."""
    own = (environment.env_id, str(settings.root.resolve()))
    records = ((file.stem, _read(file) or {}) for file in _folder().glob("*.json"))
    return frozenset(key for key, record in records if (record.get("environment"), record.get("project")) == own)


def made_for(settings: Settings) -> frozenset[str]:
    """The ids of the environments of this project that something was made for, as far as it is written down."""
    here = str(settings.root.resolve())
    records = (_read(file) or {} for file in _folder().glob("*.json"))
    return frozenset(str(r["environment"]) for r in records if r.get("project") == here and r.get("environment"))


def layers_made() -> dict[str, tuple[str, ...]]:
    """What the layers that were made here were called, by the texts of their keys, as far as it is written down."""
    records = ((file.stem, _read(file) or {}) for file in _folder().glob("*.json"))
    inputs = ((key, Inputs.from_json(record.get("inputs"))) for key, record in records)
    return {key: (its.name,) for key, its in inputs if its and its.name}


def made_elsewhere(settings: Settings) -> dict[str, str]:
    """The keys that this user's other, still existing projects made: the project's folder by the key's text."""
    here, found = str(settings.root.resolve()), {}
    for file in _folder().glob("*.json"):
        project = (_read(file) or {}).get("project")
        if isinstance(project, str) and project != here and _is_folder(project):
            found[file.stem] = project
    return found


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):  # a name that no folder can have
        return False


def _read(file: Path) -> dict[str, object] | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("schema") == 1 else None
