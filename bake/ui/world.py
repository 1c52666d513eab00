"""What is known of the environments: read, searched for, and kept up to date while a page is open."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import threading
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from ...generator.errors import DesktopBakeError, EngineError
from ..config.environment_edit import fingerprint
from ..config.layer_choices import LayerChoices
from ..engine.snapshot import Snapshot
from ..images.resolve import glance, search
from ..images.result import Disabled, LocalHit, Miss, RegistryHit
from ..upkeep.inventory import stored_images
from .threads import background

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...generator.environment import Environment
    from ..config.settings import Settings
    from ..context import Context
    from ..engine.engine import Engine
    from ..images.result import ImageResult
    from ..system.reporter import Log
    from ..upkeep.sizes import StoredImage
    from .source import Source


_WARNING = "[desktop-cache] WARNING: "
_AT_ONCE = 2
_HEAD_START_S = 0.5  # for a page that is opened at once
_GLANCE, _PEEK, _SEARCH, _SIZES = range(4)  # the quick ones come first, for every environment


@lru_cache(maxsize=10_000)
def name_of(env_id: str) -> str:
    """A name for an environment that is valid in an element's ID, whatever its own ID contains."""
    return "e" + hashlib.sha256(env_id.encode(errors="surrogatepass")).hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is known of an environment.

    Attributes:
        environment: the environment as configured.
        result: what a task would use; None before the first look.
        error: why the result is not known.
        notes: warnings from the look.
        stored: its image, as the engine lists it.
    """

    environment: Environment
    result: ImageResult | None = None
    error: DesktopBakeError | None = None
    notes: tuple[str, ...] = ()
    stored: StoredImage | None = None


def _is_known(missed: Miss, before: ImageResult | None) -> bool:
    """Whether this miss is the same as before."""
    return isinstance(before, Miss | RegistryHit) and before.order.key == missed.order.key


class World:
    """The environments, and what is known of them.

    Args:
        source: where answers come from.
        touch: called with the parts of pages that may have changed.
    """

    def __init__(self, source: Source, touch: Callable[..., None]) -> None:
        self.source = source
        self.settings: Settings | None = None
        self.error: DesktopBakeError | None = None
        self.engine_error: DesktopBakeError | None = None
        self.seen = ""
        self.layers = LayerChoices()
        self._touch = touch
        self._rows: dict[str, Row] = {}
        self._names: dict[str, str] = {}
        self._stored: dict[str, StoredImage] = {}
        self._there: set[tuple[str, ...]] = set()
        self._missed: dict[str, Miss] = {}  # missed here, and not yet searched for elsewhere
        self._view: Snapshot | None = None  # environments share bases: each question is asked once for all
        self._lock = threading.RLock()
        self._todo: list[tuple[int, int, str]] = []
        self._waiting: set[tuple[int, str]] = set()
        self._count = itertools.count()
        self._has_more = threading.Condition(self._lock)
        self._begun = threading.Event()

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every environment, in the file's order."""
        with self._lock:
            return tuple(self._rows.values())

    def row(self, env_id: str) -> Row | None:
        """The row of an environment."""
        return self._rows.get(env_id)

    def named(self, name: str) -> Row | None:
        """The row of the environment that `name_of` gives this name."""
        return self._rows.get(self._names.get(name, ""))

    def start(self) -> None:
        """Read the configuration, and start to look once a page is painted, or a moment later."""
        self.reload()
        for number in range(_AT_ONCE):
            background(self._work, f"page-look-{number}")

    def begin(self) -> None:
        """Look from now on: a page is painted, and keys no longer compete with it for the processor."""
        self._begun.set()

    def reload(self) -> None:
        """Read the configuration again; what is known of an unchanged environment stays."""
        with self._lock:
            before, layers = self.settings, self.layers
            try:
                content = self.source.file.path.read_bytes()
                self.seen = fingerprint(content)
                self.settings, self.error = self.source.load(), None
            except OSError as error:
                self.error = DesktopBakeError(
                    f"cannot read {self.source.file.path}: {error.strerror}", "make the file readable"
                )
            except DesktopBakeError as error:
                self.error = error
            if self.settings is None or self.error:
                self._touch("environments", "all/seen")
                return
            same = before is not None and replace(before, environments={}) == replace(self.settings, environments={})
            if not self.source.file.is_origin:
                self.layers = LayerChoices.of(content.decode(errors="replace"))
            old, self._rows = self._rows, {}
            for env_id, environment in self.settings.environments.items():
                had = old.get(env_id)
                self._rows[env_id] = replace(had, environment=environment) if had else Row(environment=environment)
                if not (same and had and had.environment == environment):
                    self._want(_GLANCE, env_id)
                    self._touch(f"environments/{name_of(env_id)}")
                elif self.layers != layers:  # there are other layers to choose from
                    self._touch(f"environments/{name_of(env_id)}")
            self._names = {name_of(env_id): env_id for env_id in self._rows}
            if list(old) != list(self._rows):
                self._touch("environments")
        self._touch("all/seen", "environments/summary")

    def look(self, env_ids: Iterable[str] | None = None, *, here: bool = False) -> None:
        """Look again at what the tasks of these environments would use.

        Args:
            env_ids: the environments; all if None.
            here: whether only images of this engine came or went; what is known of a registry, and why a key is missed,
                is then still true.
        """
        with self._lock:
            self._view = None
            for env_id in tuple(self._rows) if env_ids is None else tuple(env_ids):
                self._want(_PEEK if here else _GLANCE, env_id)

    def look_here(self) -> None:
        """Look again if one of our images came or went, or a base's tag moved; this asks twice for all environments."""
        bases = {row.environment.base_image for row in self.rows if row.environment.cache_enabled}
        names = sorted(base.named for base in bases if base.digest is None)
        try:
            engine = self.source.engine()
            images = (*stored_images(engine), *(stored_images(engine, reference=names) if names else ()))
            there = {(image.image_id, *image.tags) for image in images}
        except DesktopBakeError:
            return
        if there != self._there:
            self._there = there
            self.look(here=True)
            self._want(_SIZES, "")

    def _want(self, what: int, env_id: str) -> None:
        with self._lock:
            if (what, env_id) not in self._waiting:
                self._waiting.add((what, env_id))
                heapq.heappush(self._todo, (what, next(self._count), env_id))
                self._has_more.notify()

    def _work(self) -> None:
        self._begun.wait(_HEAD_START_S)
        while True:
            with self._has_more:
                while not self._todo:
                    self._has_more.wait()
            self.catch_up()

    def catch_up(self) -> None:
        """Do everything on the list, including what is added meanwhile."""
        while True:
            with self._lock:
                if not self._todo:
                    self._view = None
                    return
                what, _, env_id = heapq.heappop(self._todo)
                self._waiting.discard((what, env_id))
            self.step(what, env_id)

    def _looking(self, settings: Settings, log: Log) -> Context:
        context = self.source.context(settings, log)
        with self._lock:
            self._view = self._view or Snapshot(context.engine)
            return replace(context, engine=cast("Engine", self._view))

    def step(self, what: int, env_id: str) -> None:
        """Do one thing on the list."""
        if what == _SIZES:
            self._take_sizes()
            return
        row, settings = self.row(env_id), self.settings
        if row is None or settings is None:
            return
        heard: list[str] = []
        context = self._looking(settings, heard.append)
        result, error = row.result, None
        try:
            if what == _SEARCH:
                missed = self._missed.pop(env_id, None)
                result = search(missed, context) if missed else result
            else:
                result = glance(row.environment, context)
            # for a disabled environment, the engine was not asked
            if not isinstance(result, Disabled) or (self.engine_error and context.engine.answers()):
                self._engine_is(None)
        except DesktopBakeError as raised:
            error = raised
            if isinstance(raised, EngineError) and not context.engine.answers():
                self._engine_is(raised)
        if what != _SEARCH and error is None and isinstance(result, Miss):
            if what == _PEEK and row.error is None and _is_known(result, row.result):
                return
            self._missed[env_id] = result
            self._want(_SEARCH, env_id)
            return
        notes = tuple(line.removeprefix(_WARNING) for line in heard if line.startswith(_WARNING))
        self._set(env_id, row, replace(row, result=result, error=error, notes=notes))
        if isinstance(result, LocalHit) and result.image_id not in self._stored:
            self._want(_SIZES, "")

    def _set(self, env_id: str, before: Row, after: Row) -> None:
        with self._lock:
            now = self._rows.get(env_id)
            if now is None or now.environment is not before.environment:  # the environment has changed: look again
                self._want(_GLANCE, env_id)
                return
            image_id = after.result.image_id if after.result else None
            self._rows[env_id] = replace(after, stored=self._stored.get(image_id or ""))
        self._touch(f"environments/{name_of(env_id)}", "environments/summary")

    def _engine_is(self, error: DesktopBakeError | None) -> None:
        if (self.engine_error is None) != (error is None):
            self.engine_error = error
            self._touch("environments/notice")

    def _take_sizes(self) -> None:
        try:
            found = {image.image_id: image for image in stored_images(self.source.engine())}
        except DesktopBakeError:
            return
        with self._lock:
            self._stored = found
            for env_id, row in self._rows.items():
                image_id = row.result.image_id if row.result else None
                if (stored := found.get(image_id or "")) != row.stored:
                    self._rows[env_id] = replace(row, stored=stored)
                    self._touch(f"environments/{name_of(env_id)}")
