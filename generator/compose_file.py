"""The Compose file of a rendered folder: a service for each environment that has a desktop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from .bakefile import COMPOSE_FILE
from .reference import Digest
from .template import compiled_template
from .variables import REPOSITORY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .bake_options import BakeOptions
    from .bakefile import BakeTarget


_PLAIN = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)[a-z][a-z0-9_-]*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class _Service:
    """A service as the template prints it.

    Attributes:
        name: its name, the same as the environment's in the bake file.
        environment: the environment's id.
        base: the base image, `repository:tag`.
        image: the image in YAML; if services share one, the first states it with an anchor.
        platform: the container's platform; None for the engine's.
    """

    name: str
    environment: str
    base: str
    image: str
    platform: str | None


def render_compose_file(
    template: str,
    targets: Sequence[BakeTarget],
    options: BakeOptions,
    programs: Mapping[str, str],
    folder: str = "",
) -> str:
    """The text of `run/compose.yaml`: same targets, same bytes; empty if no environment has a desktop.

    Args:
        template: the text of `compose.yaml.j2`.
        targets, folder: as `render_bake_file`.
        options: the options that the targets were made with.
        programs: the texts of the programs that start a desktop, by file name.

    Source: Compose file reference (docs.docker.com/reference/compose-file).
    """
    services = [service for target in targets if target.has_desktop for service in _services(target, options)]
    if not services:
        return ""
    return compiled_template(template, yaml=_yaml, yaml_key=_yaml_key, block=_block).render(
        file=f"{folder}/{COMPOSE_FILE}" if folder else COMPOSE_FILE,
        first=services[0].name,
        without=[env_id for target in targets if not target.has_desktop for env_id in target.environments],
        project=_project(options.repository.repository),
        digest=Digest.of("".join(programs.values()).encode()).hex[:16],
        services=services,
        programs={PurePosixPath(name).stem: text for name, text in programs.items()},
    )


def _services(target: BakeTarget, options: BakeOptions) -> Iterator[_Service]:
    """The services of a target; the image is stated once, so that a new key changes one line."""
    image = _quoted(f"${{{REPOSITORY_VARIABLE}:-{options.repository.repository}}}:{target.key}")
    names = list(target.environments.values())
    anchor = f"&{names[0]} " if len(names) > 1 else ""
    for env_id, name in target.environments.items():
        yield _Service(
            name=name,
            environment=env_id,
            base=target.base_name,
            image=f"{anchor}{image}" if name == names[0] else f"*{names[0]}",
            platform=options.task_platforms.get(env_id),
        )


def _project(repository: str) -> str:
    """The Compose project, by which one repository's containers are not taken for another's."""
    return re.sub(r"[^a-z0-9]+", "-", repository.lower()).strip("-")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _yaml(text: str) -> str:
    """A quoted string that Compose reads back as exactly this text."""
    return _quoted(text.replace("$", "$$"))


def _yaml_key(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _block(text: str) -> str:
    """The lines of a block scalar."""
    lines = text.replace("$", "$$").split("\n")
    return "\n".join(f"{'':6}{line}" if line else "" for line in lines)
