"""A task's start: its container, its secret, and the wait until the desktop is ready."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...generator.described import checked
from ...generator.errors import ConfigurationError, TimeLimitError
from ...generator.recipe import SWITCHES
from ..context import context_of
from ..engine.client_proxies import client_proxies
from ..ensure import ensured
from ..images.base_digest import check_base
from ..system.chance import token_urlsafe
from ..system.lazy import lazy
from .at_start import FOLDER, ROOT, AtStart, at_start, said_of
from .background import Command, MainCommand
from .console import LISTENS, READY
from .container import PULL_TIMEOUT_S, Container, NoImageError
from .container_request import ContainerRequest
from .ending import Ending
from .environment_options import left_out, with_environment, with_profiles
from .labels import labels_of
from .main_process import main_process
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
    from . import installing, platforms, user_entry
else:
    events = lazy("..system.events", __package__)
    forwarding = lazy(".forward", __package__)
    installing = lazy(".installing", __package__)
    platforms = lazy(".platforms", __package__)
    user_entry = lazy(".user_entry", __package__)


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
    return started(environment, image, context_of(settings, **work), options or TaskOptions(), command)


def started(
    environment: Environment, image: ImageResult, context: Context, options: TaskOptions, command: Sequence[str]
) -> DesktopTask:
    """As `start_task`."""
    engine = context.engine
    if options.platform:
        environment = platforms.with_platform(environment, options, image, engine)
    desktop = environment.headless_desktop_enabled
    if desktop:
        options.check_desktop()
    options = with_profiles(with_environment(options, environment), environment, context.settings.root)
    for text in left_out(environment):
        context.reporter.say(f"[desktop] ports: {text} is left out: the task's URL names noVNC's port")
    options = replace(options, variables={**client_proxies(engine.endpoint.host), **options.variables})
    every_start = context.settings.preflight_run(environment)  # a wrong script is reported before anything starts
    remote = engine.is_remote()
    if desktop and options.detach and (remote or options.network == "none"):
        raise ConfigurationError(
            "a detached task's desktop cannot be reached without a program here that forwards its port",
            "leave out --detach, or use an engine of this machine and a network",
        )
    publish = desktop and not remote and options.network != "none"
    container = Container(engine.endpoint)
    start = _Start(
        environment=environment,
        context=context,
        options=options,
        container=container,
        publish=publish,
        command=command if options.detach else (),
    )
    remove_abandoned(engine.endpoint)
    note = StartNote(engine.endpoint, container.name)
    console = forward = None
    try:
        lacking = start.create(image)
        note.add(container.container_id)
        if desktop and options.user:
            user_entry.give_home(container, options.user)
        if options.name:
            container.rename(options.name)
        console = container.attach()
        secret = token_urlsafe(24) if options.auth else NO_SECRET
        greeting = f"{secret} {'stay' if options.detach else ''}\n".encode()
        if desktop and not lacking.before:
            console.write(greeting)
        container.start()
        context.reporter.tell(lambda: events.Started(container.container_id, container.name))
        if lacking.before:
            installing.install(container, lacking.before, lacking.user, context)
            console.write(installing.DONE + greeting)
        port, forward = _reach(container, options.novnc_port) if desktop else (0, None)
        task = DesktopTask(
            engine=engine,
            container_id=container.container_id,
            name=container.name,
            options=options,
            container=container,
            console=console,
            forward=forward,
        )
        if desktop:
            url = novnc_url(port, secret, follows=not options.fixed_size)
            task = _observe(task, url, context)
        address = task.novnc_url
        context.reporter.tell(lambda: events.Ready(address))
        display = f":{DISPLAY}" if desktop else None
        run_preflight(container.container_id, lacking.after, display, context, lacking.user)
        run_preflight(container.container_id, {"preflight_run_script": every_start}, display, context)
        if command:
            task = replace(task, command=_begun(task, command, context))
    except BaseException:  # Ctrl-C too: the container ends with us
        if forward:
            forward.close()
        container.remove()
        note.close()
        if console:
            console.close()
        raise
    note.close()
    return task


@dataclass(frozen=True, kw_only=True)
class _Start:
    """A container that is to be made.

    Args:
        environment, context, options: as `started`.
        container: the container.
        publish: whether noVNC's port is published.
        command: the command of a detached task.
    """

    environment: Environment
    context: Context
    options: TaskOptions
    container: Container
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
        """Make it; if the base is not here, it is pulled."""
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


def _begun(task: DesktopTask, command: Sequence[str], context: Context) -> Command | MainCommand:
    """Start the command; a detached one replaces the main process."""
    if not task.options.detach:
        task.console.drain()
        return Command(task.container, on_terminal(command) if task.options.tty else command, context.reporter)
    ending = Ending(context.engine.endpoint, task.container_id)
    task.console.write(b"go\n")
    task.console.flush()
    return MainCommand(task.console, ending, context.reporter)


def _reach(container: Container, wanted: int | None) -> tuple[int, forwarding.Forward | None]:
    """noVNC's port on this machine, and what forwards it if the engine does not publish it here."""
    port = container.published(NOVNC_PORT)
    if port is not None:
        return port, None
    forward = forwarding.Forward(container.container_id, NOVNC_PORT, wanted or 0)
    return forward.local_port, forward


def _observe(task: DesktopTask, url: str, context: Context) -> DesktopTask:
    """Wait until the desktop is ready, by what its main process prints and by VNC's own banner."""
    console, cancel = task.console, context.cancel
    end = time.monotonic() + READY_TIMEOUT_S

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
    return replace(task, novnc_url=url)
