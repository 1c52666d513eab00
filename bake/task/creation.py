"""The creation of a task's container: of its image or, if somebody removed that, of what a second search finds.

Whatever files it needs are in it before it starts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...generator.errors import TimeLimitError
from ...generator.recipe import SWITCHES
from ..ensure import ensured
from ..images.base_digest import check_base
from ..system.lazy import lazy
from .at_start import FOLDER, ROOT, AtStart, at_start, said_of
from .container import PULL_TIMEOUT_S, NoImageError
from .container_request import ContainerRequest
from .labels import labels_of
from .main_process import main_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...generator.environment import Environment
    from ..context import Context
    from ..images.result import ImageResult
    from ..system import events
    from . import user_entry
    from .container import Container
    from .options import TaskOptions
else:
    events = lazy("..system.events", __package__)
    user_entry = lazy(".user_entry", __package__)


@dataclass(frozen=True, kw_only=True)
class Creation:
    """A container that is to be made.

    Args:
        container: the container, which has only a name yet.
        environment, context: as `start_task`.
        options: the options of its start, with its environment's.
        publish: whether noVNC's port is published.
        command: the command of a detached task.
    """

    container: Container
    environment: Environment
    context: Context
    options: TaskOptions
    publish: bool
    command: Sequence[str] = ()

    def create(self, image: ImageResult) -> AtStart:
        """Make it of this image or, if somebody removed the image, of the one that a second search finds.

        Returns:
            What must be installed in it.
        """
        try:
            return self._create(image)
        except NoImageError as error:
            if not image.image_id:
                raise
            self.context.reporter.warn(f"{error}: somebody removed it; looking once more")
            return self._create(ensured(self.environment, self.context))

    def _create(self, image: ImageResult) -> AtStart:
        """Make it, with the files that it needs; if the base is not here, it is pulled."""
        environment, engine = self.environment, self.context.engine
        lacking = at_start(environment, image, self.context.settings)
        said = said_of(environment, lacking)
        if said:
            self.context.reporter.say(said)
        name, platform = image.image_id or image.image, self.context.settings.platform_of(environment)
        if not image.image_id:
            check_base(replace(environment, platforms=()), self.context, platform or engine.platform())
        try:
            self._make(name, platform, image, lacking)
        except NoImageError:
            if image.image_id or not self._pulled(name, platform):  # no registry knows an ID
                raise
            self._make(name, platform, image, lacking)
        if lacking.files:
            self.container.put(FOLDER, lacking.files, lacking.executables)
        if environment.headless_desktop_enabled and self.options.user:
            user_entry.give_home(self.container, self.options.user)
        made_of = engine.image(name) if lacking.names else None
        return replace(lacking, user=made_of.user or ROOT) if made_of else lacking

    def _make(self, name: str, platform: str | None, image: ImageResult, lacking: AtStart) -> None:
        options = self.options
        self.context.reporter.tell(lambda: events.Creating(name))
        if lacking.before:
            given = {name: value for name, value in self.environment.build_args.items() if name in SWITCHES}
            options = replace(options, variables={**given, **options.variables})
        made_of = self.context.engine.known(name)
        request = ContainerRequest(
            image=name,
            command=main_process(self.environment, self.options, self.command, waits=bool(lacking.before)),
            labels=labels_of(self.environment, image.cache_key, self.context.settings.root),
            options=options,
            desktop=self.environment.headless_desktop_enabled,
            publish=self.publish,
            inherited=made_of.variables if made_of else (),
            title=self.environment.name or self.environment.env_id,
        )
        # without a platform, the engine looks the image up once more, to compare it with its own
        self.container.create(request.body(), platform or (made_of.stated_platform if made_of else None))

    def _pulled(self, name: str, platform: str | None) -> bool:
        """Pull a base, and return whether that worked."""
        reporter, limit_s = self.context.reporter, PULL_TIMEOUT_S
        reporter.tell(lambda: events.Pulling(name))
        reporter.say(f"[desktop] pulling {name}")
        flags = ["--platform", platform] if platform else []
        pulled = self.context.engine.work(
            "pull", "-q", *flags, name, log=reporter, draw=False, limit_s=limit_s, cancel=self.context.cancel
        )
        if pulled.timed_out:
            raise TimeLimitError(
                f"the pull of {name} was stopped after {limit_s:g} s", f"check: docker pull {name}"
            ) from None
        return not pulled.status
