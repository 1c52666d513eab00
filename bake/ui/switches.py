"""The switches of an environment, and what turning one writes; each turn can be undone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...generator.errors import ConfigurationError
from ..config.environment_edit import Change, ChangedMeanwhileError, edit_environment, restore
from ..config.layer_choices import LayerChoices

if TYPE_CHECKING:
    from typing import Any

    from ...generator.environment import Environment
    from ..config.environment_edit import Edited, EnvironmentFile


DESKTOP, CACHE, PREFLIGHT = "headless_desktop_enabled", "cache_desktop_build", "preflight"
LAYER = "layer "  # followed by its name
_KEPT = 50


@dataclass(frozen=True, kw_only=True)
class Switch:
    """A switch.

    Attributes:
        name: the name that the page sends when it is turned.
        label: the text for people.
        is_on: whether it is on.
        why_not: why it cannot be turned; empty if it can.
    """

    name: str
    label: str
    is_on: bool
    why_not: str = ""


def switches(environment: Environment) -> tuple[Switch, ...]:
    """The switches of an environment: the second needs the first, and the third exists if there is a preflight."""
    on = environment.headless_desktop_enabled
    found = [
        Switch(name=DESKTOP, label="Headless desktop", is_on=on),
        Switch(
            name=CACHE,
            label="Cache desktop build",
            is_on=environment.cache_desktop_build,
            why_not="" if on else "needs the headless desktop",
        ),
    ]
    if environment.preflight_script is not None:
        found.append(Switch(name=PREFLIGHT, label="Cache preflight", is_on=environment.preflight_cache_enabled))
    return tuple(found)


def layer_switches(environment: Environment, layers: LayerChoices) -> tuple[Switch, ...]:
    """A switch for each layer of the file, and for each further layer of the environment."""
    return tuple(
        Switch(name=LAYER + choice.name, label=choice.name, is_on=choice.is_on, why_not=choice.why_not)
        for choice in layers.choices(environment)
    )


def field_of(name: str, file: EnvironmentFile) -> str:
    """The field that stores a switch.

    Raises:
        ConfigurationError: there is no such switch.
    """
    if name == PREFLIGHT:
        return "container_caching_enabled" if file.is_origin else "cache_preflight_build"
    if name not in (DESKTOP, CACHE):
        raise ConfigurationError(f"there is no switch {name!r}", "load the page again")
    return name


class Edits:
    """The edits that were made on the page; the last ones can be undone.

    Args:
        file: the file with the environments.
    """

    def __init__(self, file: EnvironmentFile) -> None:
        self._file = file
        self._made: OrderedDict[int, Edited] = OrderedDict()
        self._lock = threading.Lock()
        self._count = 0

    def turn(self, env_id: str, switch: str, seen: str, *, on: bool) -> int:
        """Turn a switch, and save it.

        Args:
            env_id: the environment.
            switch: the name of the switch.
            seen: the fingerprint of the file that the page showed.
            on: whether to turn it on or off.

        Returns:
            A number for `undo`.

        Raises:
            ChangedMeanwhileError: somebody else has changed the file since; that change stays.
            ConfigurationError: it cannot be saved.
        """
        with self._lock:
            values: dict[tuple[str, ...], Any] = {(self._field(switch),): self._value(env_id, switch, on=on)}
            edited = edit_environment(self._file, Change(env_id=env_id, values=values, seen=seen))
            self._count += 1
            self._made[self._count] = edited
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
            return self._count

    def _field(self, switch: str) -> str:
        return "layers" if switch.startswith(LAYER) else field_of(switch, self._file)

    def _value(self, env_id: str, switch: str, *, on: bool) -> Any:
        if not switch.startswith(LAYER):
            return on
        text = "" if self._file.is_origin else self._file.path.read_text(encoding="utf-8", errors="replace")
        return LayerChoices.of(text).turned(env_id, switch.removeprefix(LAYER), on=on)

    def undo(self, number: int) -> None:
        """Restore the file as it was before an edit.

        Raises:
            ChangedMeanwhileError: the file has been changed since.
            ConfigurationError: the edit was already undone, or is too long ago.
        """
        with self._lock:
            edited = self._made.pop(number, None)
            if edited is None:
                raise ConfigurationError("that switch is undone already, or too long ago", "turn the switch")
            try:
                restore(self._file, edited)
            except ChangedMeanwhileError as error:
                raise ChangedMeanwhileError(f"not undone: {error}", "turn the switch") from error
