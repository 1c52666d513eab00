"""An engine with an image store in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from desktop_bake import Digest, EngineError, ImageReference
from desktop_bake.bake.engine.api import Answer, Endpoint
from desktop_bake.bake.engine.credentials import Logins
from desktop_bake.bake.engine.engine import Image
from desktop_bake.bake.system.process import Ended
from tests.harness.memory_registry import MemoryRegistry

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from desktop_bake.bake.engine.protocol import ImageEngine
    from desktop_bake.bake.system.answers import Answers

ENDED = Ended(status=0, lines=(), timed_out=False)


class FakeEngine:
    """The methods of `ImageEngine`, and whether the engine answers at all.

    Attributes:
        store: images by ID.
        names: IDs by `repository:tag`.
        histories: the answers of `history`, by ID.
        made_s: the creation times of images, by ID.
        asked: the requests, `image NAME` or the arguments of `docker`.
        ends: how the next pulls and pushes end, instead of being done.
        containers: the answer to `/containers/json`.
        refused: names that it refuses to remove.
        is_classic: whether it has the classic image store, and lists images without their platforms.
        endpoint: an address at which nothing answers.
        is_up: whether it answers.
        comes_back: whether it answers again after a wait.
    """

    def __init__(self, registry: MemoryRegistry | None = None, platform: str = "linux/amd64") -> None:
        self.store: dict[str, Image] = {}
        self.names: dict[str, str] = {}
        self.histories: dict[str, tuple[str, ...]] = {}
        self.made_s: dict[str, int] = {}
        self.asked: list[str] = []
        self.ends: list[Ended] = []
        self.containers: list[dict[str, str]] = []
        self.refused: set[str] = set()
        self.is_classic = False
        self.endpoint = Endpoint("unix:///nowhere/docker.sock")
        self.is_up = True
        self.comes_back = False
        self.logins = Logins()
        self.told: Answers | None = None
        self._registry = registry or MemoryRegistry()
        self._platform = platform

    def add(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        platform: str = "linux/amd64",
        known_as: str = "",
        made_s: int = 0,
    ) -> Image:
        """Put an image into the store; its ID follows from the arguments."""
        made_of = repr((labels and sorted(labels.items()), platform, known_as, "" if labels else name))
        image = Image(
            image_id=str(Digest.of(made_of.encode())),
            labels=labels or {},
            platform=platform,
            repo_digests=(known_as,) if known_as else (),
            size_bytes=1,
        )
        self.store[image.image_id] = image
        self.made_s[image.image_id] = made_s
        if name:
            self.names[ImageReference.parse(name).named] = image.image_id
        return image

    def image(self, reference: str) -> Image | None:
        """Like `Engine.image`."""
        self._check(f"image {reference}")
        if reference in self.store:
            return self.store[reference]
        known = next((i for i in self.store.values() if reference in i.repo_digests), None)
        return known or self.store.get(self.names.get(ImageReference.parse(reference).named, ""))

    def images(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """Like `Engine.images`."""
        self._check("images")
        wanted = [tuple(text.split("=", 1)) for text in filters.get("label", ())]
        found = []
        for image_id, image in self.store.items():
            names = [name for name, theirs in self.names.items() if theirs == image_id]
            known_as = {*names, *(name.rpartition(":")[0] for name in names), *image.repo_digests}
            is_named = "reference" not in filters or set(filters["reference"]) & known_as
            if is_named and all(image.labels.get(name) == value for name, value in wanted):
                entry = {"Id": image_id, "RepoTags": names, "Labels": dict(image.labels)}
                found.append({**entry, "Created": self.made_s[image_id], "Size": image.size_bytes, **self._more(image)})
        return found

    def _more(self, image: Image) -> dict[str, Any]:
        """What engines with containerd's store say about each image in addition."""
        if self.is_classic:
            return {}
        system, architecture, *variant = image.platform.split("/")
        platform = {"os": system, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
        data = {"Platform": platform, "Size": {"Unpacked": 0}}
        one = {"Kind": "image", "Available": True, "Size": {"Content": image.size_bytes}, "ImageData": data}
        return {"Manifests": [one], "RepoDigests": list(image.repo_digests)}

    def labelled(self, labels: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        """Like `Engine.labelled`."""
        found = self.images({"label": [f"{name}={value}" for name, value in labels.items()]})
        return {entry["Id"]: entry["Labels"] for entry in found}

    def history(self, image_id: str) -> tuple[str, ...]:
        """Like `Engine.history`."""
        self._check(f"history {image_id}")
        return self.histories.get(image_id, ())

    def platform(self) -> str:
        """Like `Engine.platform`."""
        return self._platform

    def registry_config(self) -> Mapping[str, Any]:
        """Like `Engine.registry_config`: every registry has trusted TLS."""
        return {}

    def tag(self, image_id: str, name: ImageReference) -> None:
        """Like `Engine.tag`."""
        self._check(f"tag {name}")
        self.names[name.named] = image_id

    def untag(self, name: ImageReference) -> None:
        """Like `Engine.untag`."""
        self._check(f"untag {name}")
        self.names.pop(name.named, None)

    def work(
        self,
        *arguments: str,
        log: Callable[[str], None],
        draw: bool,
        limit_s: float,
        cancel: threading.Event | None = None,
    ) -> Ended:
        """Like `Engine.work`: `pull` and `push` move images between the store and the registry."""
        self._check(" ".join(arguments))
        if self.ends:
            return self.ends.pop(0)
        kind, *_, name = arguments
        if kind == "pull":
            labels, platform = self._registry.labels(name)
            self.add("", labels, platform, known_as=name)
        else:
            image = self.store[self.names[name]]
            digest = self._registry.put(name, image.labels, image.platform)
            known = f"{ImageReference.parse(name).repository}@{digest}"
            self.store[image.image_id] = replace(image, repo_digests=(*image.repo_digests, known))
        return ENDED

    def ask(self, method: str, path: str, query: Mapping[str, object] | None = None) -> Answer:
        """Like `Engine.ask`, for the requests of pruning."""
        self._check(f"{method} {path}")
        if path == "/containers/json":
            return Answer(status=200, content=self.containers)
        name = path.removeprefix("/images/").removesuffix("/json").removesuffix("/history")
        if method == "DELETE" and name in self.refused:
            return Answer(status=409, content={"message": "a container uses it"})
        if method == "DELETE":
            return Answer(status=200 if self.names.pop(name, None) else 404, content=[])
        if path.endswith("/history"):
            return Answer(status=200, content=[{"CreatedBy": "RUN a", "Size": 7}])
        image = self.image(name)
        content = {"Id": image.image_id, "RootFS": {"Layers": [f"layer-of-{image.image_id}"]}} if image else None
        return Answer(status=200 if image else 404, content=content)

    def has_containerd_store(self) -> bool:
        """Like `Engine.has_containerd_store`."""
        return False

    def answers(self) -> bool:
        """Like `Engine.answers`."""
        return self.is_up

    def returns(self, limit_s: float, cancel: threading.Event | None = None) -> bool:
        """Like `Engine.returns`, without waiting."""
        self.asked.append("returns")
        self.is_up = self.is_up or self.comes_back
        return self.is_up

    def _check(self, question: str) -> None:
        self.asked.append(question)
        if not self.is_up:
            raise EngineError("no Docker Engine answers", "start it")


if TYPE_CHECKING:
    _: ImageEngine = FakeEngine()
