"""Everything that the page shows, drawn part by part."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ...generator.errors import ConfigurationError, DesktopBakeError
from ..system.text import size
from ..upkeep.explain import explain
from .builds import Builds
from .desks import Desks
from .health import Health
from .hub import Hub, mark_of
from .overview import Overview
from .pages import Pages
from .switches import Edits
from .threads import background
from .tidy import Tidy, Wanted
from .watch import Watch
from .world import World, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..config.settings import Settings
    from .source import Source


LINKS = (
    ("./", "Environments", "environments"),
    ("tasks", "Tasks", "tasks"),
    ("images", "Images", "images"),
    ("health", "Health", "health"),
)
TITLES = {page: title for _, title, page in LINKS}


class Site:
    """The content of the page.

    Args:
        source: where answers come from.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pages = Pages()
        self.hub = Hub(self.draw, self.first)
        self.world = World(source, self.hub.touch)
        self.builds = Builds(source, self.hub.touch, self._build_turned)
        self.edits = Edits(source.file)
        self.tidy = Tidy(source, self.hub.touch)
        self.health = Health(source, self.hub.touch)
        self.desks = Desks(source, self.hub.touch)
        self.watch = Watch(source, lambda: self.world.settings, self.told)
        self._overview = Overview(self.pages, self.world, self.builds)
        self._parts: dict[str, Callable[[], str]] = {
            "environments": self._overview.page,
            "environments/summary": self._overview.summary,
            "environments/notice": self._overview.notice,
            "environments/builds": self._overview.builds,
            "all/seen": self._seen,
            "tasks": self._tasks,
            "images": self._images,
            "health": self._health,
        }

    def settings(self) -> Settings:
        """The configuration as last read.

        Raises:
            DesktopBakeError: it could not be read.
        """
        if self.world.settings is None or self.world.error:
            raise self.world.error or ConfigurationError(
                "the configuration is not read yet", "wait a moment, and load the page again"
            )
        return self.world.settings

    def told(self, what: tuple[str, ...] | str | None) -> None:
        """Handle a change that others made, to a file or in the engine."""
        if what is None:
            self.world.reload()
        elif isinstance(what, tuple):
            self.world.look(what)
        elif what == "image":
            self.world.look_here()
            self.look_at_images()
        elif what == "engine":
            self.world.look()
            self.look_at_images()
        if what in ("container", "engine"):
            self.look_at_tasks()
        elif what == "metrics":
            self.hub.touch("health")

    def _build_turned(self, env_ids: Sequence[str]) -> None:
        self.world.look(env_ids)
        self.hub.touch("environments/summary", *(f"environments/{name_of(env_id)}" for env_id in env_ids))

    def look_at_images(self) -> None:
        """List what is cached, if somebody is looking at it."""
        settings = self.world.settings
        if settings is not None and self.hub.watches("images"):
            background(lambda: self.tidy.look(settings), "page-images")

    def look_at_tasks(self) -> None:
        """List the tasks, if somebody is looking at them."""
        settings = self.world.settings
        if settings is not None and self.hub.watches("tasks"):
            background(lambda: self.desks.look(settings), "page-tasks")

    def desk(self, task: str, port: str) -> str:
        """The page of a task's desktop.

        Args:
            task: the ID of its container.
            port: the port of this server.

        Raises:
            ConfigurationError: it is no longer running.
        """
        entry = self.desks.entry(task)
        content = self.pages.draw("desk", {"task": entry, "port": port})
        return self._framed("desk", f"Desktop of {entry.environment}", content)

    def start_form(self) -> str:
        """The form that is shown before a task starts."""
        return self.pages.draw("start", {"environments": [row.environment.env_id for row in self.world.rows]})

    def stop_form(self, task: str) -> str:
        """The form that is shown before a task ends for good.

        Raises:
            ConfigurationError: it is no longer running.
        """
        entry = self.desks.entry(task)
        return self.pages.draw("stop", {"task": entry, "command": self.desks.commands.get(task, "")})

    def whole(self, page: str) -> str:
        """A whole page."""
        return self._framed(page, TITLES[page], next(self.first(page)))

    def _framed(self, page: str, title: str, content: str) -> str:
        values = {"page": page, "title": title, "links": LINKS, "file": self.source.file.path}
        return self.pages.draw("layout", {**values, "content": content, "drawn": mark_of(content)})

    def draw(self, part: str) -> str:
        """A part of a page; empty if it is not shown any more."""
        if part in self._parts:
            return self._parts[part]()
        return self._overview.part(part.partition("/")[2])

    def first(self, page: str) -> Iterator[str]:
        """The content of a page in pieces: the one that is drawn with it, and those that follow soon after."""
        yield self._seen() + self.draw(page)
        if page == "environments":
            yield from self._overview.rest()

    def _seen(self) -> str:
        return self.pages.draw("seen", {"seen": self.world.seen})

    def missing(self) -> list[str]:
        """The environments that want an image but have none here."""
        return self._overview.missing()

    def _tasks(self) -> str:
        desks, count = self.desks, len(self.desks.entries)
        said = f"{count} tasks of yours run." if count > 1 else f"{'1' if count else 'No'} task of yours runs."
        said = said if desks.has_looked else "Looking at what runs."
        values = {
            "notice": self.pages.draw("notice", {"errors": [desks.error] if desks.error else []}),
            "said": said,
            "environments": bool(self.world.rows),
            "starting": sorted(desks.starting.items()),
            "tasks": desks.entries,
            "commands": desks.commands,
            "lines": desks.lines,
            "has_looked": desks.has_looked,
        }
        return self.pages.draw("tasks", values)

    def _images(self) -> str:
        listing, settings = self.tidy.listing, self.world.settings
        said = "Looking at what is cached here."
        if listing:
            count = len(listing.rows)
            stale = sum(not row.environments for row in listing.rows)
            said = f"{count} image{'s' * (count != 1)} here"
            said += (
                f", {stale} of them stale: removing them frees {size(listing.stale_bytes)}." if stale else ", all live."
            )
        values = {
            "notice": self.pages.draw("notice", {"errors": [self.tidy.error] if self.tidy.error else []}),
            "said": said,
            "listing": listing,
            "has_registry": bool(settings and settings.has_registry),
            "can_prune": listing is not None,
        }
        return self.pages.draw("images", values)

    def _health(self) -> str:
        health = self.health
        values = {"checks": health.checks, "said": health.said(), "is_looking": health.is_looking}
        return self.pages.draw("health", {**values, **health.figures()})

    def why(self, env_id: str) -> str:
        """Why an environment has its status, compared with the nearest image."""
        values: dict[str, Any] = {"error": None, "found": None}
        try:
            settings = self.settings()
            found = explain(settings.environment(env_id), self.source.context(settings))
        except DesktopBakeError as error:
            return self.pages.draw("why", {**values, "error": error})
        return self.pages.draw("why", {**values, "found": found})

    def preview(self, values: dict[str, str]) -> str:
        """A preview of what pruning would remove."""
        asked = {"keep": values.get("keep", "0"), "older_than": values.get("older_than", "0"), "error": None}
        try:
            settings, wanted = self.settings(), Wanted.of(values)
            number, plan = self.tidy.preview(wanted, settings)
        except DesktopBakeError as error:
            return self.pages.draw("prune", {**asked, "error": error, "number": 0})
        verdicts = (*plan.images, *plan.published)
        kept = Counter(v.reason for v in verdicts if not v.removed)
        goes = sum(v.removed for v in verdicts) + len(plan.caches)
        frees = plan.frees_bytes + sum(family.size_bytes for family in plan.caches)
        found = {"plan": plan, "number": number, "kept": sorted(kept.items()), "goes": goes, "frees": frees}
        shown = {"registry": wanted.registry, "has_registry": settings.has_registry}
        return self.pages.draw("prune", {**asked, **found, **shown})
