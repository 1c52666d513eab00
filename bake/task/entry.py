"""A task as the engine lists it, and which of several tasks a name means. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from ...generator.errors import ConfigurationError, TaskGoneError
from ..system.text import did_you_mean, few
from ..system.whose import short_key
from .labels import (
    FIXED_SIZE_LABEL,
    KEY_LABEL,
    OWNER_LABEL,
    PROJECT_LABEL,
    PROJECT_NAME_LABEL,
    TASK_LABEL,
    VERSION_LABEL,
)
from .options import NOVNC_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping


_LISTS = "desktop-bake ps"
_SHORT = 12  # digits of an ID
_OWN_NAME = re.compile(r"desktop-bake-[0-9a-f]{12}")
_ENDED = re.compile(r"Exited \(([0-9]+)\)")


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """A task as the engine lists it.

    Attributes:
        container_id: its container.
        name: the container's name.
        environment: the environment's ID.
        cache_key: its image's key; empty if it has none.
        project: a hash of the configuration's folder, and `project_name` the folder's name.
        owner: the user who started it, and the machine, hashed.
        version: the version of desktop-bake that started it.
        state: the engine's: `running`, `exited` and others.
        status: the exit status if it has ended, else None.
        created_s: when it was made, in seconds since 1970.
        novnc_port: where noVNC is published on the engine's machine, or None.
        fixed_size: as in `TaskOptions`.
    """

    container_id: str
    name: str
    environment: str
    cache_key: str
    project: str
    project_name: str
    owner: str
    version: str
    state: str
    status: int | None
    created_s: float
    novnc_port: int | None
    fixed_size: bool = False

    @property
    def short_name(self) -> str:
        """What people type: the name that somebody gave it, or the beginning of its ID."""
        return self.container_id[:_SHORT] if _OWN_NAME.fullmatch(self.name) else self.name

    @property
    def short_key(self) -> str:
        """12 digits that stand for the key; empty without one."""
        return short_key(self.cache_key)

    @property
    def is_running(self) -> bool:
        """Whether it runs, or is paused."""
        return self.state in ("running", "paused", "restarting")

    @classmethod
    def of(cls, listed: Mapping[str, Any]) -> Self:
        """The task of a listed container (Docker Engine API, "List containers")."""
        labels = listed["Labels"]
        ended = _ENDED.match(listed.get("Status") or "")
        ports = (p.get("PublicPort") for p in listed.get("Ports") or () if p.get("PrivatePort") == NOVNC_PORT)
        return cls(
            container_id=listed["Id"],
            name=(listed["Names"] or [listed["Id"]])[0].removeprefix("/"),
            environment=labels[TASK_LABEL],
            cache_key=labels.get(KEY_LABEL, ""),
            project=labels.get(PROJECT_LABEL, ""),
            project_name=labels.get(PROJECT_NAME_LABEL, ""),
            owner=labels.get(OWNER_LABEL, ""),
            version=labels.get(VERSION_LABEL, ""),
            state=listed["State"],
            status=int(ended[1]) if ended else None,
            created_s=float(listed["Created"]),
            novnc_port=next(filter(None, ports), None),
            fixed_size=FIXED_SIZE_LABEL in labels,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `ps --json` prints for it."""
        return {"short_name": self.short_name, **asdict(self)}


def named(entries: list[TaskEntry], name: str) -> TaskEntry:
    """As `Tasks.find`, among these."""
    for matches in (
        [e for e in entries if name in (e.name, e.container_id)],
        [e for e in entries if name and e.container_id.startswith(name)],
        [e for e in entries if e.environment == name and e.is_running],
        [e for e in entries if e.environment == name],
    ):
        if len(matches) > 1:
            raise ConfigurationError(
                f"{name!r} is the name of {len(matches)} tasks",
                "name one of: " + few((e.short_name for e in matches), _LISTS),
            )
        if matches:
            return matches[0]
    known = [*(e.short_name for e in entries), *(e.environment for e in entries)]
    meant = did_you_mean(name, dict.fromkeys(known), lists=_LISTS) if entries else "see: desktop-bake ps --all"
    raise TaskGoneError(f"there is no task {name!r}, or not any more", meant)
