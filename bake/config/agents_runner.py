"""Environments saved by Midori-AI Agents Runner: read by its rules, and edited without touching any other byte.

It keeps them in `environments.json` (`{"environments": [...]}`, or a list), and its settings in `state.toml` beside it.
Older releases have both in `state.json` (`{"environments": [...], "settings": {...}, ...}`), still older ones a file
for each environment, `environment-<id>.json`. An environment is an object with `env_id`, `name`, toggles, scripts as
texts, fields for its containers, and some thirty fields that mean nothing here.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from json.decoder import JSONDecodeError
from typing import TYPE_CHECKING, Any

from ...generator.environment import Environment
from ...generator.errors import ConfigurationError
from ...generator.reference import ImageReference
from ...generator.script import Script
from ...generator.text_file import check_no_mark
from ..system.text import did_you_mean
from .json_edit import DECODER, WHITE, Number, members, skip, with_member, without_member
from .setting import described
from .texts import script_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_OURS = ("name", "base_image", "headless_desktop_enabled", "cache_desktop_build", "env_vars", "extra_mounts", "ports")
_THEIRS = {
    "container_caching_enabled": bool,
    "cached_preflight_script": str,
    "preflight_enabled": bool,
    "preflight_script": str,
}
# the fields that we read there, and that may be set
ORIGIN_FIELDS = {**{f.name: f.toml_type for f in described(Environment) if f.name in _OURS}, **_THEIRS}
_IDENTITY = {"env_id", "id", "version"}
_VERSION = 1
STATE_NAME = "state.toml"
_STATE_VERSION = 4


@dataclass(frozen=True, kw_only=True)
class OriginFile:
    """A file of environments; `parse` makes it, so it is always valid.

    Attributes:
        text: the file's text.
        objects: offset of each environment's `{`, by environment ID, in the file's order.
        payloads: the objects.
        forced: whether the settings beside them give every environment a desktop.
        common_script: the script in the settings, which every task runs before its environment's; empty without one.
    """

    text: str
    objects: Mapping[str, int]
    payloads: Mapping[str, Mapping[str, Any]]
    forced: bool
    common_script: str = ""

    @classmethod
    def parse(cls, content: bytes, name: str, state: bytes | None = None) -> OriginFile:
        """Read a file's bytes.

        Args:
            content: UTF-8.
            name: its path as the user wrote it, for messages.
            state: the content of `state.toml` beside it, if there is one.

        Raises:
            ConfigurationError: it is not JSON, or has no environment; or the state is not TOML.
        """
        check_no_mark(name, content, name)  # Agents Runner does not read it either
        try:
            text = content.decode()
            whole, end = DECODER.raw_decode(text, skip(text + "0", 0))
            if text[end:].strip(WHITE):
                raise JSONDecodeError("more follows", text, end)  # noqa: TRY301 (one answer to every malformed file)
            top = skip(text, 0)
            if isinstance(whole, dict) and isinstance(whole.get("environments"), list):
                at = [m for m in members(text, top) if m.key == "environments"][-1].value_start
                found = [(m.value_start, m.value) for m in members(text, at)]
            elif isinstance(whole, list):
                found = [(m.value_start, m.value) for m in members(text, top)]
            else:
                found = [(top, whole)]
        except (UnicodeDecodeError, JSONDecodeError) as error:
            raise ConfigurationError(
                f"{name} is not JSON: {error}", "let Agents Runner write it again, or name another: --environments FILE"
            ) from error
        except RecursionError as error:
            raise ConfigurationError(
                f"{name} is nested too deeply", "let Agents Runner write it again, or name another: --environments FILE"
            ) from error
        known = {i: (at, value) for at, value in found if (i := _identifier(value))}
        if not known:
            raise ConfigurationError(
                f"{name} holds no environment", "name an environments.json, or an older file, of Agents Runner"
            )
        settings = _settings(whole, state)
        script = _text(settings.get("preflight_script"))
        return cls(
            text=text,
            objects={i: at for i, (at, _) in known.items()},
            payloads={i: value for i, (_, value) in known.items()},
            forced=_truth(settings.get("headless_desktop_enabled")),
            common_script=script if _truth(settings.get("preflight_enabled")) and script.strip() else "",
        )

    def environments(self, base_image: ImageReference) -> dict[str, Environment]:
        """The environments, by ID.

        Args:
            base_image: for those that name none: Agents Runner itself knows only one image.

        Raises:
            ConfigurationError: a field that is read has an invalid value.
        """
        return {i: self.environment(i, base_image) for i in self.payloads}

    def environment(self, env_id: str, base_image: ImageReference) -> Environment:
        """One environment.

        Args, Raises: see `environments`.
        """
        payload, where = self.payloads[env_id], f"environment {env_id!r}: "
        named = payload.get("base_image")
        return Environment(
            env_id=env_id,
            name=str(payload.get("name") or env_id).strip(),
            base_image=ImageReference.parse(named) if isinstance(named, str) and named else base_image,
            headless_desktop_enabled=self.forced or _truth(payload.get("headless_desktop_enabled")),
            cache_desktop_build=_truth(payload.get("cache_desktop_build")),
            cache_preflight_build=_truth(payload.get("container_caching_enabled")),
            preflight_script=_cached_script(payload, where),
            preflight_run_script=self._run_script(payload, where),
            env_vars=_variables(payload, where),
            extra_mounts=_list(payload, "extra_mounts", where),
            ports=_list(payload, "ports", where),
        )

    def _run_script(self, payload: Mapping[str, Any], where: str) -> Script | None:
        """The script that runs at every start: that of the settings, then the environment's own."""
        own = _text(payload.get("preflight_script")) if _truth(payload.get("preflight_enabled")) else ""
        texts = [text for text in (self.common_script, own) if text.strip()]
        try:
            return Script.in_turn(texts) if texts else None
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}preflight_script: {error}", error.remedy) from error

    def without_meaning(self, env_id: str) -> list[str]:
        """The fields of an environment that nothing here reads, sorted."""
        return sorted(self.payloads[env_id].keys() - ORIGIN_FIELDS.keys() - _IDENTITY)

    def edit(self, env_id: str, changes: Mapping[Any, Any]) -> str:
        """The text with fields of an environment set, or removed if the value is None; every other byte stays.

        Args:
            env_id: the environment.
            changes: value by field, or by the pair of a field that is an object and a name in it.

        Raises:
            ConfigurationError: there is no such environment.
        """
        if env_id not in self.objects:
            meant = did_you_mean(env_id, self.objects, lists="desktop-bake env list --environments FILE")
            raise ConfigurationError(f"unknown environment {env_id!r}", meant)
        text, at = self.text, self.objects[env_id]
        for field, value in changes.items():
            name, *entry = (field,) if isinstance(field, str) else field
            there = [m for m in members(text, at) if m.key == name]
            if not entry:
                text = _put(text, at, name, value)
            elif there and isinstance(there[-1].value, dict):
                text = _put(text, there[-1].value_start, entry[0], value)
            elif value is not None:
                text = with_member(text, at, name, {entry[0]: value})
        return text


def _put(text: str, at: int, name: str, value: object) -> str:
    return without_member(text, at, name) if value is None else with_member(text, at, name, value)


def _settings(whole: object, state: bytes | None) -> Mapping[str, Any]:
    """The settings in an older file that contains them, else those in the state beside a newer one."""
    if isinstance(whole, dict) and "settings" in whole:
        settings = whole["settings"]
    elif isinstance(whole, dict) and "environments" not in whole:  # a file of one environment has no settings
        return {}
    else:
        settings = _state(state).get("settings")
    return settings if isinstance(settings, dict) else {}


def _state(content: bytes | None) -> Mapping[str, Any]:
    """The content of the state; empty if it has another version, which Agents Runner ignores."""
    try:
        table = tomllib.loads(content.decode()) if content else {}
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{STATE_NAME} beside the environments is not TOML: {error}", "let Agents Runner write it again"
        ) from error
    return table if table.get("version") == _STATE_VERSION else {}


def _identifier(payload: object) -> str:
    """The ID of an environment; empty for an object that Agents Runner ignores."""
    if not isinstance(payload, dict):
        return ""
    version = payload.get("version", _VERSION)
    try:
        if int(float(version)) != _VERSION:
            return ""
    except (TypeError, ValueError, OverflowError):
        return ""
    return str(payload.get("env_id") or payload.get("id") or "").strip()


def _truth(value: object) -> bool:
    """The truth value of a JSON value in Python, by which Agents Runner reads toggles."""
    return float(value) != 0 if isinstance(value, Number) else bool(value)


def _text(value: object) -> str:
    """A JSON value as Agents Runner reads a script."""
    return _as_str(value) if _truth(value) else ""


def _as_str(value: object) -> str:
    """Python's `str` of a JSON value; Agents Runner uses it for fields that should be texts."""
    try:
        return str(json.loads(value)) if isinstance(value, Number) else str(value)
    except ValueError:  # a number with 5,000 digits
        return str(value)


def _cached_script(payload: Mapping[str, Any], where: str) -> Script | None:
    text = _text(payload.get("cached_preflight_script"))
    return script_of(text, f"{where}cached_preflight_script") if text.strip() else None


def _variables(payload: Mapping[str, Any], where: str) -> dict[str, str]:
    value = payload.get("env_vars")
    if value is not None and not isinstance(value, dict):
        raise ConfigurationError(f"{where}env_vars is not an object", 'write {"NAME": "value"}')
    return {name.strip(): _as_str(text) for name, text in (value or {}).items() if name.strip()}


def _list(payload: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = payload.get(field)
    if value is not None and not isinstance(value, list):
        raise ConfigurationError(f"{where}{field} is not a list", 'write ["…", "…"]')
    return tuple(text for item in value or () if (text := _as_str(item).strip()))


def read_origin(path: Path) -> OriginFile:
    """Read a file of environments, and the settings beside it.

    Raises:
        ConfigurationError: it cannot be read, is not JSON, or has no environment.
    """
    if path.suffix == ".toml":
        raise ConfigurationError(f"{path} holds no environments", f"name {path.with_name('environments.json')}")
    try:
        return origin_of(path.read_bytes(), path)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}", "name a file that you may read: --environments FILE"
        ) from error


def origin_of(content: bytes, path: Path) -> OriginFile:
    """The file of environments with these bytes, and the settings beside it.

    Args:
        content: its content, present or future.
        path: where it is.

    Raises:
        ConfigurationError: see `read_origin`.
        OSError: the settings cannot be read.
    """
    state = path.with_name(STATE_NAME)
    return OriginFile.parse(content, str(path), state.read_bytes() if state.exists() else None)
