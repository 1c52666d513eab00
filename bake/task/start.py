"""A task's start: its container, its secret, and the desktop's readiness, observed."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ...generator.errors import CancelledError, ConfigurationError, TimeLimitError
from ...generator.recipe import INSTALL, SETUP
from ..config.shipped import shipped
from ..engine.client_proxies import client_proxies
from ..engine.engine import Engine
from ..ensure import ensure_desktop_image
from ..images.base_digest import check_base
from ..system.log import silent
from ..system.redaction import without_secrets
from .background import Command
from .console import INSTALLED, LISTENS, READY
from .container import PULL_TIMEOUT_S, Container, NoImageError
from .forward import Forward
from .novnc import NO_SECRET, novnc_url, wait_for_banner
from .options import DISPLAY, NOVNC_PORT, TaskOptions, container_body
from .preflight import run_preflight
from .program import program
from .start_note import StartNote, remove_abandoned
from .task import READY_TIMEOUT_S, DesktopTask, died

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from ...generator.environment import Environment
    from ..config.settings import Settings
    from ..images.result import ImageResult
    from ..system.log import Log


INSTALL_TIMEOUT_S = 1200.0
_SCRIPTS = "/etc/desktop-bake"
# a detached command: the container ends with it
_LAST = '"$@"; kill 1'


def start_task(
    environment: Environment,
    image: ImageResult,
    settings: Settings,
    *,
    engine: Engine | None = None,
    log: Log = silent,
    options: TaskOptions | None = None,
    command: Sequence[str] = (),
    cancel: threading.Event | None = None,
) -> DesktopTask:
    """Start a container of this image and wait until its desktop answers through noVNC and its window manager runs.

    The container ends with this process, whatever becomes of it, unless `options.detach` says that it stays. Where the
    image was removed since it was found, it is looked for and built once more, as by `ensure_desktop_image`.

    Args:
        environment: the environment.
        image: from `ensure_desktop_image`.
        settings: where the recipe lies.
        engine: the engine; the docker client's own where None.
        log: gets one line at a time, from several threads: while installing at start the install's own lines, then
            what `command` prints.
        options: mounts, ports, the screen's size and the like.
        command: what the task is for; `wait` tells its status.
        cancel: set by another thread to give up.

    Raises:
        ConfigurationError: an option is wrong, or asks for what this engine cannot do.
        TaskError: the container or the desktop did not start.
        TimeLimitError: the desktop did not answer in time.
        CancelledError: `cancel` was set. As after every error, the container is gone.
    """
    engine, options = (engine or Engine()).cancelled_by(cancel), options or TaskOptions()
    desktop = environment.headless_desktop_enabled
    if desktop:
        options.check_desktop()
    options = replace(options, variables={**client_proxies(engine.endpoint.host), **options.variables})
    settings.preflight_run(environment)  # a wrong one is told before anything starts
    remote = engine.is_remote()
    if desktop and options.detach and (remote or options.network == "none"):
        raise ConfigurationError(
            "a detached task's desktop cannot be reached without a program here that forwards its port",
            "leave out --detach, or use an engine of this machine and a network",
        )
    publish = desktop and not remote and options.network != "none"
    container = Container(engine.endpoint)
    remove_abandoned(engine.endpoint)
    note = StartNote(engine.endpoint, container.name)
    console = forward = None
    try:
        try:
            _create(container, environment, image, settings, options, log, engine, publish=publish)
        except NoImageError as error:
            if not image.image_id:
                raise
            log(f"[desktop-cache] WARNING: {error}: somebody removed it; looking once more")
            image = ensure_desktop_image(environment, settings, engine=engine, log=log, cancel=cancel)
            _create(container, environment, image, settings, options, log, engine, publish=publish)
        note.add(container.container_id)
        if options.name:
            container.rename(options.name)
        console = container.attach()
        secret = secrets.token_urlsafe(24) if options.auth else NO_SECRET
        console.write(f"{secret} {'stay' if options.detach else ''}\n".encode())
        container.start()
        port, forward = _reach(container) if desktop else (0, None)
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
            url = novnc_url(port, secret)
            task = _observe(task, url, log, cancel, install_at_start=image.install_at_start)
        display = f":{DISPLAY}" if desktop else None
        run_preflight(container.container_id, environment, image, settings, log, display, cancel)
        if command:
            words = ["sh", "-c", _LAST, "sh", *command] if options.detach else command
            task = replace(task, command=Command(container, words, log))
    except BaseException:  # Ctrl-C too: the container goes with us
        if forward:
            forward.close()
        container.remove()
        note.close()
        if console:
            console.close()
        raise
    note.close()
    return task


def _main_process(environment: Environment, image: ImageResult, options: TaskOptions) -> list[str]:
    if not environment.headless_desktop_enabled:
        return ["sleep", "infinity"] if options.detach else ["cat"]  # until its standard input ends
    run, gate = (shipped(f"recipe/desktop_{name}").read_text(encoding="utf-8") for name in ("run.sh", "gate.py"))
    with_bash = ("/bin/sh", "-c", program("with_bash"), "bash", "-c")
    if not image.install_at_start:
        return [*with_bash, run, "desktop", gate, "held"]
    return [*with_bash, program("at_start"), "desktop", _SCRIPTS, f"{INSTALL} {SETUP}", run, gate]


def _create(
    container: Container,
    environment: Environment,
    image: ImageResult,
    settings: Settings,
    options: TaskOptions,
    log: Log,
    engine: Engine,
    *,
    publish: bool,
) -> None:
    """Make the container; a base that is not here is pulled."""
    name, platform = image.image_id or image.image, settings.platform_of(environment)
    if not image.image_id:
        check_base(replace(environment, platforms=()), settings, engine, platform or engine.platform())

    def create() -> None:
        body = container_body(
            name,
            _main_process(environment, image, options),
            environment.env_id,
            options,
            desktop=environment.headless_desktop_enabled,
            publish=publish,
            inherited=engine.variables(name),
        )
        container.create(body, platform)

    try:
        create()
    except NoImageError:
        if image.image_id:  # which no registry knows
            raise
        log(f"[desktop] pulling {name}")
        flags = ["--platform", platform] if platform else []
        pulled = engine.work("pull", "-q", *flags, name, log=log, draw=False, limit_s=PULL_TIMEOUT_S)
        if pulled.timed_out:
            raise TimeLimitError(
                f"the pull of {name} was stopped after {PULL_TIMEOUT_S:g} s", f"check: docker pull {name}"
            ) from None
        if pulled.status:
            raise
        create()
    if environment.headless_desktop_enabled and image.install_at_start:
        recipe = settings.recipe(environment)
        container.put(_SCRIPTS, {INSTALL: recipe.install, SETUP: recipe.setup})


def _reach(container: Container) -> tuple[int, Forward | None]:
    """noVNC's port on this machine, and what carries it where the engine does not publish it here."""
    port = container.published(NOVNC_PORT)
    if port is not None:
        return port, None

    forward = Forward(container.container_id, NOVNC_PORT)
    return forward.local_port, forward


def _observe(
    task: DesktopTask, url: str, log: Log, cancel: threading.Event | None, *, install_at_start: bool
) -> DesktopTask:
    """Wait until the desktop answers, by what its main process says and then by VNC's own banner."""
    console = task.console
    limit_s = INSTALL_TIMEOUT_S if install_at_start else READY_TIMEOUT_S
    end = time.monotonic() + limit_s

    def alive() -> None:
        if cancel and cancel.is_set():
            raise CancelledError("cancelled")
        if console.ended:
            raise died(console)

    try:
        if install_at_start:
            _follow_install(task, end, log, cancel)
        if not console.until(LISTENS, end, cancel):
            raise died(console)
        wait_for_banner(url, end - time.monotonic(), alive)
        if not console.until(READY, end, cancel):  # a window opened before would stay without a frame
            raise died(console)
    except TimeLimitError as error:
        raise TimeLimitError(
            f"the desktop was not ready after {limit_s:g} s", "see what its scripts wait for"
        ) from error
    log(READY)
    return replace(task, novnc_url=url)


def _follow_install(task: DesktopTask, end: float, log: Log, cancel: threading.Event | None) -> None:
    hide = without_secrets()
    while (line := task.console.line(end, cancel)) is not None:
        log(hide(line))
        if line.endswith(INSTALLED):  # the last line before it may lack its end
            return
    raise died(task.console)
