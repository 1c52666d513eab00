"""What is wanted: an environment with its files, its key and its platform, found out once and handed on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...generator.key import OCI_BASE_NAME, SCHEMA, SCHEMA_LABEL
from ...generator.layer_key import LayerKey, stack_key
from ...generator.recipe import Stack
from ...generator.reference import Digest
from ..config.lock_names import BASE
from .base_digest import base_digest, pinned_stack
from .locked import fixed_digest

if TYPE_CHECKING:
    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ...generator.reference import ImageReference
    from ..context import Context


_NO_DIGEST = Digest("sha256:" + "0" * 64)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is wanted for an environment. Whatever changes on the disk later, this is what is looked for and built.

    Attributes:
        environment: the environment.
        stack: what is baked for it: every file of its recipe, read once.
        key: the key of exactly that.
        repository: of the tag.
        platform: what the image has to run on, `os/architecture[/variant]`.
        emulated: whether that platform was asked for, instead of the engine's own.
    """

    environment: Environment
    stack: Stack = field(repr=False)
    key: Key
    repository: ImageReference
    platform: str
    emulated: bool = False

    @property
    def tag(self) -> str:
        """The image's name, `repository:key`."""
        return f"{self.repository}:{self.key}"

    @property
    def wanted(self) -> str:
        """The platform in words, for a message about an image of another one."""
        return f"{self.platform} is asked for" if self.emulated else f"this engine runs {self.platform}"

    def below(self) -> Order | None:
        """The order of the desktop that a layer lies on, made of the same files on the same base; None without one."""
        if not isinstance(self.key, LayerKey) or not self.key.desktop:
            return None
        image = self.environment.base_image
        pinned = replace(image, tag=image.tag or (None if image.digest else "latest"), digest=self.key.base)
        desktop = replace(self.environment, base_image=pinned, preflight_script=None, preflight_run_script=None)
        return replace(self, environment=desktop, stack=Stack(desktop=self.stack.desktop), key=self.key.desktop)


def order_of(environment: Environment, context: Context) -> Order:
    """Read an environment's files, compute its key, and find out its platform.

    Args:
        environment: with its cache switched on.
        context: where its recipe lies, the pull policy, and the engine.

    Raises:
        ConfigurationError: the recipe or the base image is wrong.
        EngineError: no engine answers.
        RegistryError: the base's digest cannot be found out.
    """
    stack, key = stack_and_key(environment, context)
    asked = context.settings.platform_of(environment)
    return Order(
        environment=environment,
        stack=stack,
        key=key,
        repository=context.settings.repository,
        platform=asked or context.engine.platform(),
        emulated=asked is not None,
    )


def key_of(environment: Environment, context: Context) -> Key:
    """The cache key of an environment, with its base's digest as the pull policy says.

    Args, Raises: as `order_of`.
    """
    return stack_and_key(environment, context)[1]


def stack_and_key(environment: Environment, context: Context) -> tuple[Stack, Key]:
    """What is baked for an environment, and its key.

    Args, Raises: as `order_of`.
    """
    fixed = fixed_digest(environment.base_image, BASE, context.settings)
    stack = pinned_stack(environment, context)
    # all but the base is known before asking anyone, unless a Dockerfile of one's own names images
    known = stack_key(environment, stack, fixed or _NO_DIGEST)
    if fixed:
        return stack, known

    def baked_on() -> Digest | None:
        name = environment.base_image.named
        ours = context.engine.labelled({SCHEMA_LABEL: SCHEMA, OCI_BASE_NAME: name}).values()
        bases = {known.base_of(labels) for labels in ours} - {None}
        return bases.pop() if len(bases) == 1 else None

    local = context.engine.image(str(environment.base_image))
    return stack, known.on_base(base_digest(environment.base_image, local, context, baked_on))
