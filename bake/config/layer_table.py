"""Layers in desktop-bake.toml: the tables `[layers.NAME]`, and those that an environment's `layers` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError
from ...generator.layer import Layer, ordered
from ..system.text import did_you_mean
from .setting import described
from .texts import with_texts
from .values import as_fields, check_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


LAYER = described(Layer)  # the fields of a `[layers.NAME]`
LAYER_TEXTS = {"text": "script"}
_KEYS = {**{field.name: field.toml_type for field in LAYER}, **dict.fromkeys(LAYER_TEXTS, str)}
_FORM = '{ name = "browser", packages = ["chromium"] }'


def layers_from(tables: Mapping[str, Any], file: str) -> dict[str, Layer]:
    """The layers of a file by name; the layers that each needs are in the file, too.

    Args:
        tables: the tables under `layers`.
        file: the file's name, for messages.

    Raises:
        ConfigurationError: a layer is not a table, has an unknown key or a value of the wrong type or form, or needs
            an unknown layer or one that needs it.
    """
    layers = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigurationError(f"{file}: layers.{name} is not a table", f"write [layers.{name}]")
        layers[name] = _layer(name, table, f"{file}, layers.{name}")
    for name, layer in layers.items():
        _check_known(layer.needs, layers, f"{file}, layers.{name}: needs")
    _ordered(layers.values(), layers, file)
    return layers


def layers_of(items: Iterable[Any], known: Mapping[str, Layer], where: str) -> tuple[Layer, ...]:
    """The layers of an environment, lowest first.

    Args:
        items: names of known layers, and the environment's own tables, each with a `name`.
        known: the file's layers.
        where: the environment, for messages.

    Raises:
        ConfigurationError: see `layers_from`; or an item is neither a name nor a table.
    """
    wanted: list[str | Layer] = []
    for item in items:
        if isinstance(item, str):
            wanted.append(item)
        elif isinstance(item, dict) and isinstance(item.get("name"), str):
            table = {key: value for key, value in item.items() if key != "name"}
            wanted.append(_layer(item["name"], table, f"{where}: layer {item['name']!r}"))
        else:
            what = "a table without a name" if isinstance(item, dict) else f"{item!r}, which is not the name of a layer"
            raise ConfigurationError(f"{where}: layers holds {what}", f'write "tools", or {_FORM}')
    own = [layer for layer in wanted if isinstance(layer, Layer)]
    names = {**known, **{layer.name: layer for layer in own}}
    _check_known((name for name in wanted if isinstance(name, str)), names, f"{where}: layers")
    for layer in own:
        _check_known(layer.needs, names, f"{where}: layer {layer.name!r}: needs")
    return _ordered(wanted, known, where)


def _layer(name: str, table: Mapping[str, Any], where: str) -> Layer:
    check_table(table, _KEYS, where)
    fields = as_fields(with_texts(table, LAYER_TEXTS, where), LAYER, where)
    return Layer(name=name, **fields)


def _check_known(names: Iterable[str], known: Mapping[str, Layer], where: str) -> None:
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{where} names {name!r}, which is not a layer", did_you_mean(name, known))


def _ordered(wanted: Iterable[str | Layer], known: Mapping[str, Layer], where: str) -> tuple[Layer, ...]:
    try:
        return ordered(wanted, known)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}", error.remedy) from error
