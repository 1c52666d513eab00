"""A task's start: its container, its secret, and the wait until the desktop is ready."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.described import checked
from ...generator.errors import ConfigurationError, TimeLimitError
from ..context import context_of
from ..engine.client_proxies import client_proxies
from ..system.chance import token_urlsafe
from ..system.lazy import lazy
from .background import Command, MainCommand
from .console import LISTENS, READY
from .container import Container
from .creation import Creation
from .ending import Ending
from .environment_options import left_out, with_environment, with_profiles
from .novnc import NO_SECRET, novnc_url, wait_for_banner
from .options import DISPLAY, NOVNC_PORT, TaskOptions
from .preflight import run_preflight
from .program import on_terminal
from .start_note import StartNote, remove_abandoned
from .task import READY_TIMEOUT_S, DesktopTask, died

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from ...generator.environment import Environment
    from ..config.settings import Settings
    from ..context import Context, Work
    from ..images.result import ImageResult
    from ..system import events
    from . import forward as forwarding
    from . import installing, platforms
    from .at_start import AtStart
    from .console import Console
else:
    events = lazy("..system.events", __package__)
    forwarding = lazy(".forward", __package__)
    installing = lazy(".installing", __package__)
    platforms = lazy(".platforms", __package__)


@checked
def start_task(
    environment: Environment,
    image: ImageResult,
    settings: Settings,
    *,
    options: TaskOptions | None = None,
    command: Sequence[str] = (),
    **work: Unpack[Work],
) -> DesktopTask:
    """Start a container of this image and wait until its desktop answers through noVNC and its window manager runs.

    The container ends when this process ends, however it ends, unless `options.detach` is set. If the image was removed
    since it was found, it is looked for and built again, as by `ensure_desktop_image`.

    Args:
        environment: the environment.
        image: from `ensure_desktop_image`.
        settings: the settings, which say where the recipe is.
        options: mounts, ports, the screen's size and the like, in addition to those of the environment.
        command: the command to run; `wait` returns its status.
        work: as in `ensure_desktop_image`. `log` receives, from several threads, the output of an install at start, and
            then the output of `command`. `on_event` receives `Creating`, `Started`, `Ready`, and, if there is a
            command, `Output` and `Exited`, the last before `wait` returns. An exception in it does not end the task.

    Raises:
        ConfigurationError: an option is wrong, or this engine does not support it.
        TaskError: the container or the desktop did not start.
        TimeLimitError: the desktop did not answer in time.
        CancelledError: `cancel` was set. As after every error, the container is gone.
    """
    context, options = context_of(settings, **work), options or TaskOptions()
    if options.platform:
        environment = platforms.with_platform(environment, options.platform, image, context.engine)
    return started(environment, image, context, options, command)


def started(
    environment: Environment, image: ImageResult, context: Context, options: TaskOptions, command: Sequence[str]
) -> DesktopTask:
    """As `start_task`, of an environment on the platform that is asked for."""
    start = _Start(environment, context, _whole(options, environment, context), command)
    try:
        return start.task(image)
    except BaseException:  # Ctrl-C too: the container ends with us
        start.undo()
        raise


def _whole(options: TaskOptions, environment: Environment, context: Context) -> TaskOptions:
    """The options of a start, with what its environment and the docker client's configuration add."""
    engine = context.engine
    if environment.headless_desktop_enabled:
        options.check_desktop()
    options = with_profiles(with_environment(options, environment), environment, context.settings.root)
    for text in left_out(environment):
        context.reporter.say(f"[desktop] ports: {text} is left out: the task's URL names noVNC's port")
    if environment.headless_desktop_enabled and options.detach and (engine.is_remote() or options.network == "none"):
        raise ConfigurationError(
            "a detached task's desktop cannot be reached without a program here that forwards its port",
            "leave out --detach, or use an engine of this machine and a network",
        )
    return replace(options, variables={**client_proxies(engine.endpoint.host), **options.variables})


class _Start:
    """A task that is being started, and what has to be undone if that fails."""

    def __init__(
        self, environment: Environment, context: Context, options: TaskOptions, command: Sequence[str]
    ) -> None:
        self.every_start = context.settings.preflight_run(environment)  # a wrong script is reported first
        self.environment = environment
        self.context = context
        self.options = options
        self.command = command
        self.desktop = environment.headless_desktop_enabled
        endpoint = context.engine.endpoint
        remove_abandoned(endpoint)
        self.container = Container(endpoint)
        self.note = StartNote(endpoint, self.container.name)
        self.console: Console | None = None
        self.forward: forwarding.Forward | None = None

    def undo(self) -> None:
        """Remove everything."""
        if self.forward:
            self.forward.close()
        self.container.remove()
        self.note.close()
        if self.console:
            self.console.close()

    def task(self, image: ImageResult) -> DesktopTask:
        """Start it."""
        lacking = self._create(image)
        secret = token_urlsafe(24) if self.options.auth else NO_SECRET
        task = self._run(lacking, f"{secret} {'stay' if self.options.detach else ''}\n".encode())
        if self.desktop:
            task = self._reach(task, secret)
        address = task.novnc_url
        self.context.reporter.tell(lambda: events.Ready(address))
        self._prepare(lacking)
        if self.command:
            task = replace(task, command=_begun(task, self.command, self.context))
        self.note.close()
        return task

    def _create(self, image: ImageResult) -> AtStart:
        """Make its container, and return what must be installed in it."""
        options, container = self.options, self.container
        publish = self.desktop and not self.context.engine.is_remote() and options.network != "none"
        creation = Creation(
            container=container,
            environment=self.environment,
            context=self.context,
            options=options,
            publish=publish,
            command=self.command if options.detach else (),
        )
        lacking = creation.create(image)
        self.note.add(container.container_id)
        if options.name:
            container.rename(options.name)
        return lacking

    def _run(self, lacking: AtStart, greeting: bytes) -> DesktopTask:
        """Start its container, which gets the greeting by its input, and install what it lacks before its desktop."""
        container = self.container
        self.console = console = container.attach()
        if self.desktop and not lacking.before:
            console.write(greeting)
        container.start()
        self.context.reporter.tell(lambda: events.Started(container.container_id, container.name))
        if lacking.before:
            installing.install(container, lacking.before, lacking.user, self.context)
            console.write(installing.DONE + greeting)
        return DesktopTask(
            engine=self.context.engine,
            container_id=container.container_id,
            name=container.name,
            options=self.options,
            container=container,
            console=console,
        )

    def _reach(self, task: DesktopTask, secret: str) -> DesktopTask:
        """Wait until its desktop is ready, at noVNC's port here or through what forwards it."""
        port = self.container.published(NOVNC_PORT)
        if port is None:
            wanted = self.options.novnc_port or 0
            self.forward = forwarding.Forward(self.container.container_id, NOVNC_PORT, wanted)
            port = self.forward.local_port
        url = novnc_url(port, secret, follows=not self.options.fixed_size)
        _wait_until_ready(task.console, url, self.context)
        return replace(task, novnc_url=url, forward=self.forward)

    def _prepare(self, lacking: AtStart) -> None:
        """Run the scripts that wait for the desktop: those that are not baked, then the one for every start."""
        display = f":{DISPLAY}" if self.desktop else None
        container_id = self.container.container_id
        run_preflight(container_id, lacking.after, display, self.context, lacking.user)
        run_preflight(container_id, {"preflight_run_script": self.every_start}, display, self.context)


def _begun(task: DesktopTask, command: Sequence[str], context: Context) -> Command | MainCommand:
    """Start the command; a detached one replaces the main process."""
    if not task.options.detach:
        task.console.drain()
        return Command(task.container, on_terminal(command) if task.options.tty else command, context.reporter)
    ending = Ending(context.engine.endpoint, task.container_id)
    task.console.write(b"go\n")
    task.console.flush()
    return MainCommand(task.console, ending, context.reporter)


def _wait_until_ready(console: Console, url: str, context: Context) -> None:
    """Wait until a desktop is ready, by what its main process prints and by VNC's own banner."""
    end, cancel = time.monotonic() + READY_TIMEOUT_S, context.cancel

    def alive() -> None:
        context.check_cancelled()
        if console.ended:
            raise died(console)

    try:
        if not console.until(LISTENS, end, cancel):
            raise died(console)
        wait_for_banner(url, end - time.monotonic(), alive)
        if not console.until(READY, end, cancel):  # a window that opens earlier would get no frame
            raise died(console)
    except TimeLimitError as error:
        raise TimeLimitError(
            f"the desktop was not ready after {READY_TIMEOUT_S:g} s", "see what its scripts wait for"
        ) from error
    context.reporter.say(READY)
