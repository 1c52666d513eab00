"""Renders `docker-bake.hcl` from its template, with every value quoted so that BuildKit reads it back unchanged."""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2

from .annotations import annotated
from .bakefile import CHECK_CONTEXT, PICTURES, check_targets
from .cache_backend import exporters
from .described import checked
from .hcl import aligned, hcl, hcl_key
from .key import SCHEMA, SCHEMA_LABEL
from .target_names import ALL, CHECK, COMMON, METADATA, PREFLIGHT
from .variables import (
    ANNOTATE_VARIABLE,
    CACHE_DIR_VARIABLE,
    CACHE_SCOPE_VARIABLE,
    FOLDER_VARIABLE,
    OUTPUT_VARIABLE,
    PLATFORMS_VARIABLE,
    REPOSITORY_VARIABLE,
    Variable,
    variables_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .bake_options import BakeOptions
    from .bakefile import BakeTarget


_IN_TEXTS = (REPOSITORY_VARIABLE, CACHE_DIR_VARIABLE, CACHE_SCOPE_VARIABLE, FOLDER_VARIABLE)


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A target as the template prints it.

    Attributes:
        target: the target.
        comment, description: texts for people.
        labels: the labels that not every target has.
    """

    target: BakeTarget
    comment: str
    description: str
    labels: Mapping[str, str]


@checked
def render_bake_file(template: str, targets: Iterable[BakeTarget], options: BakeOptions, folder: str = "") -> str:
    """The text of `docker-bake.hcl`: same targets, same bytes.

    Args:
        template: the text of `docker-bake.hcl.j2`.
        targets: from `bake_targets`.
        options: the options that the targets were made with.
        folder: the bake file's folder, relative to where Bake is called if that is another folder; POSIX.

    Source: Bake file reference (docs.docker.com/build/bake/reference).
    """
    targets = list(targets)
    common = {SCHEMA_LABEL: SCHEMA, **options.image_labels}
    checks = check_targets(targets)
    known = variables_of(
        str(options.repository), annotated([target.platforms for target in targets], options.attest), folder
    )
    compiled = compiled_template(
        template,
        hcl=hcl,
        hcl_key=hcl_key,
        hcl_with_variables=_hcl_with_variables,
        secret=_secret,
        annotation=_annotation,
    )
    text = compiled.render(
        file=f"{folder}/docker-bake.hcl" if folder else "docker-bake.hcl",
        pictures=f"{folder}/{PICTURES}" if folder else PICTURES,
        variables=_used(known, targets, options),
        targets=[_shown(target, targets, common) for target in targets],
        exports=_exports(targets),
        own_groups=_own_groups(targets),
        checks=checks,
        for_platforms=any(check.platforms for check in checks),
        check_name=CHECK,
        check_context=CHECK_CONTEXT,
        common=COMMON,
        metadata=METADATA,
        labels=common,
        annotations=[f":{name}={value}" for name, value in options.annotations.items()],
        attest=options.attest,
        folder=FOLDER_VARIABLE,
        output=OUTPUT_VARIABLE,
        platforms=PLATFORMS_VARIABLE,
    )
    return aligned(text)


@functools.lru_cache(maxsize=8)  # to compile one takes ten times as long as to render it
def compiled_template(template: str, **filters: Callable[[str], str]) -> jinja2.Template:
    """A template with these filters; a missing value is an error.

    Args:
        template: its text.
        **filters: what its expressions may call behind `|`, by name.
    """
    engine = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    engine.filters.update(filters)
    return engine.from_string(template)


def _own_groups(targets: Iterable[BakeTarget]) -> dict[str, str]:
    """The target that each environment uses, by the environment's name; `default` is Bake's group."""
    return {name: target.name for target in targets for name in target.environments.values() if name != ALL}


def _used(known: Iterable[Variable], targets: Iterable[BakeTarget], options: BakeOptions) -> list[Variable]:
    """The variables that are referred to."""
    caches = "".join(entry for t in targets for entry in (*t.cache_from, *t.cache_to, *t.tags))
    unused = {name for name in (CACHE_DIR_VARIABLE, CACHE_SCOPE_VARIABLE) if f"${{{name}}}" not in caches}
    unused |= set() if options.annotations else {ANNOTATE_VARIABLE}
    return [variable for variable in known if variable.name not in unused]


def _shown(target: BakeTarget, targets: Iterable[BakeTarget], common: Mapping[str, str]) -> _Shown:
    users, above = (unicodedata.normalize("NFC", ", ".join(ids)) for ids in (target.environments, target.above))
    if not target.environments:
        on_it = {t.holds[-1] for t in targets if t.base == f"target:{target.name}"}
        what = PREFLIGHT if on_it == {PREFLIGHT} else "layers"
        comment, description = f"below: {above}", f"{_listed(target.holds)} below the {what} of {above}"
    else:
        comment, description = f"environments: {users}", f"{_listed(target.holds)} of {users}"
    on = target.base.removeprefix("target:") + " · " if target.base.startswith("target:") else ""
    labels = {name: value for name, value in target.labels.items() if common.get(name) != value}
    return _Shown(
        target=target,
        comment=f"{comment} · {f'on {on}' if on else ''}base {target.base_name}",
        description=description,
        labels=labels,
    )


def _exports(targets: Sequence[BakeTarget]) -> dict[str, tuple[str, ...]]:
    """The exports of each target, by name; a target may be built by itself, or all of them at once."""
    exporting = exporters(((target.name, target.cache_to) for target in targets), folders_alone=True)
    return {target.name: target.cache_to for target in targets if target.name in exporting}


def _listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence."""
    *others, last = (unicodedata.normalize("NFC", word) for word in words)
    return f"{', '.join(others)} and {last}" if others else last


def _secret(name: str) -> str:
    return f"type=env,id={name}"


def _annotation(text: str) -> str:
    return f'"${{{ANNOTATE_VARIABLE}}}{hcl(text)[1:]}'


def _hcl_with_variables(text: str) -> str:
    """Like `hcl`, but references to our variables stay."""
    quoted = hcl(text)
    for name in _IN_TEXTS:
        quoted = quoted.replace(f"$${{{name}}}", f"${{{name}}}")
    return quoted
