"""The layers that an environment of desktop-bake.toml could have, and those that its own table names."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...generator.environment import Environment


@dataclass(frozen=True, kw_only=True)
class LayerChoice:
    """A layer that an environment has, or could have.

    Attributes:
        name: the layer's name.
        is_on: whether the environment has it.
        why_not: why naming it or not cannot change that; empty if it can.
    """

    name: str
    is_on: bool
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class LayerChoices:
    """The layers of a file.

    Attributes:
        known: the names of `[layers.NAME]`, in the file's order.
        named: by environment, the items of its `layers` as they are written.
    """

    known: tuple[str, ...] = ()
    named: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> LayerChoices:
        """The layers of a file that loads; empty for any other file."""
        try:
            table = tomllib.loads(text)
            tables = table.get("environments", {}).items()
            named = {env_id: tuple(fields.get("layers", ())) for env_id, fields in tables}
            return cls(known=tuple(table.get("layers", {})), named=named)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return cls()

    def choices(self, environment: Environment) -> tuple[LayerChoice, ...]:
        """The layers that an environment has or could have, in the file's order, then its own."""
        has = {layer.name: layer for layer in environment.layers}
        named = self.named.get(environment.env_id, ())
        found = []
        for name in dict.fromkeys([*self.known, *has]):
            above = [layer.name for layer in has.values() if name in layer.needs]
            why_not = f"{above[0]} needs it" if above else ""
            if name in has and not why_not and name not in named:
                why_not = "it is written out in the environment"
            found.append(LayerChoice(name=name, is_on=name in has, why_not=why_not))
        return tuple(found)

    def turned(self, env_id: str, name: str, *, on: bool) -> list[Any]:
        """The new value of an environment's `layers` if a known layer is added to it or removed from it.

        Raises:
            ConfigurationError: there is no such layer.
        """
        if name not in self.known:
            raise ConfigurationError(f"there is no layer {name!r} any more", "load the page again")
        others = [item for item in self.named.get(env_id, ()) if item != name]
        return [*others, name] if on else others
