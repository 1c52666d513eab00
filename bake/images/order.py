"""What is wanted: an environment with its files, its key and its platform, determined once and passed on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ...generator.key import OCI_BASE_NAME, SCHEMA, SCHEMA_LABEL
from ...generator.layer_key import base_of, chain_of, stack_key
from ...generator.reference import Digest
from ..config.lock_names import BASE
from .base_digest import base_digest, pinned_stack
from .known_digests import known_digest, note_digest
from .locked import fixed_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...generator.environment import Environment
    from ...generator.layer_key import Key
    from ...generator.reference import ImageReference
    from ...generator.stack import Stack
    from ..context import Context
    from .guess import Guess


_NO_DIGEST = Digest("sha256:" + "0" * 64)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is wanted for an environment; this is looked for and built, whatever changes on the disk later.

    Attributes:
        environment: the environment.
        stack: what is baked for it: every file of its recipe, read once.
        key: the key of exactly those files.
        repository: the repository of the tag.
        platform: what the image has to run on, `os/architecture[/variant]`.
        emulated: whether that platform was asked for, instead of the engine's own.
        is_part: whether it is a part that the environment's image lies on, and not that image.
    """

    environment: Environment
    stack: Stack = field(repr=False)
    key: Key
    repository: ImageReference
    platform: str
    emulated: bool = False
    is_part: bool = False

    @property
    def tag(self) -> str:
        """The image's name, `repository:key`."""
        return f"{self.repository}:{self.key}"

    @property
    def wanted(self) -> str:
        """The platform in words, for a message about an image for another platform."""
        return f"{self.platform} is asked for" if self.emulated else f"this engine runs {self.platform}"

    def below(self) -> Order | None:
        """The order of the image below the topmost part, with the same files and base; None for the base itself."""
        stack, key = self.stack.under_top(), next(reversed(chain_of(self.key)[:-1]), None)
        if stack is None or key is None:
            return None
        image = self.environment.base_image
        pinned = replace(image, tag=image.tag or (None if image.digest else "latest"), digest=self.key.base)
        below = replace(self.environment, base_image=pinned, preflight_script=None, preflight_run_script=None)
        return replace(self, environment=below, stack=stack, key=key, is_part=True)

    def chain(self) -> Iterator[Order]:
        """This order and the orders of everything that it lies on, the topmost first."""
        order: Order | None = self
        while order:
            yield order
            order = order.below()


def order_of(environment: Environment, context: Context, guess: Guess | None = None) -> Order:
    """Read an environment's files, compute its key, and determine its platform.

    Args:
        environment: with its cache switched on.
        context: where its recipe is, the pull policy, and the engine.
        guess: told which key it will probably be, before the base is asked for.

    Raises:
        ConfigurationError: the recipe or the base image is wrong.
        EngineError: no engine answers.
        RegistryError: the base's digest cannot be determined.
    """
    stack, key = stack_and_key(environment, context, guess)
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


def stack_and_key(environment: Environment, context: Context, guess: Guess | None = None) -> tuple[Stack, Key]:
    """What is baked for an environment, and its key.

    Args, Raises: as `order_of`.
    """
    fixed = fixed_digest(environment.base_image, BASE, context.settings)
    stack = pinned_stack(environment, context)
    # all but the base is known without asking a registry, unless a user's own Dockerfile names images
    known = stack_key(environment, stack, fixed or _NO_DIGEST)
    if fixed:
        return stack, known

    def baked_on() -> Digest | None:
        name = environment.base_image.named
        ours = context.engine.labelled({SCHEMA_LABEL: SCHEMA, OCI_BASE_NAME: name}).values()
        bases = {base_of(known, labels) for labels in ours} - {None}
        return bases.pop() if len(bases) == 1 else None

    base = environment.base_image
    before = known_digest(base) if guess else None
    if guess and before:
        guess.begin(known.on_base(before))
    digest = base_digest(base, context.engine.image(str(base)), context, baked_on)
    if guess:
        note_digest(base, digest)
    return stack, known.on_base(digest)
