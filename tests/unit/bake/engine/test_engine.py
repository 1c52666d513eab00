"""Questions to an engine: how its answers are read, and which of them are no answer."""

from __future__ import annotations

import subprocess
import threading
from typing import Any

import pytest

from desktop_bake import EngineError, ImageReference, TaskError, TimeLimitError
from desktop_bake.bake.engine import engine as module
from desktop_bake.bake.engine.api import Answer, Endpoint
from desktop_bake.bake.engine.engine import Engine, Image
from desktop_bake.bake.system import captured as captured_module
from desktop_bake.bake.system.captured import TooMuchError
from desktop_bake.generator.errors import DesktopBakeError

INSPECTED = {
    "Id": "sha256:a",
    "Os": "linux",
    "Architecture": "arm64",
    "Variant": "v8",
    "RepoDigests": ["a@sha256:b"],
    "Size": 7,
    "Config": {"Labels": {"a": "b"}, "Env": ["PATH=/bin"]},
    "RootFS": {"Layers": ["1", "2"]},
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The engine's next answers: `(status, content)`, or an error."""
    return []


@pytest.fixture
def asked(answers: list[Any], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """The requests to the engine."""
    questions: list[tuple[str, str, Any]] = []

    def ask(_: Endpoint, method: str, path: str, query: Any = None, **__: object) -> Answer:
        questions.append((method, path, query))
        answer = answers.pop(0)
        if isinstance(answer, DesktopBakeError):
            raise answer
        return Answer(status=answer[0], content=answer[1])

    monkeypatch.setattr(Endpoint, "ask", ask)
    monkeypatch.setattr(module, "_PING_EVERY_S", 0.001)
    return questions


@pytest.mark.parametrize(
    ("method", "answer", "fails"),
    [
        ("GET", (200, {}), False),
        ("GET", (404, {"message": "no"}), False),
        ("GET", (200, None), True),
        ("POST", (204, None), False),
        ("GET", (404, None), False),
        ("GET", (500, {"message": "oops"}), True),
        ("DELETE", (503, None), True),
    ],
)
def test_ask(answers: list[Any], asked: list[Any], method: str, answer: Any, fails: bool) -> None:
    """A failure of the engine and an answer without content are errors; a refusal is an answer."""
    answers.append(answer)
    if fails:
        with pytest.raises(EngineError, match="the engine failed: "):
            Engine().ask(method, "/x")
    else:
        assert Engine().ask(method, "/x").status == answer[0]


def test_image(answers: list[Any], asked: list[Any]) -> None:
    """An image as the engine states it; what is missing is empty, and one that is not there is None."""
    engine = Engine()
    answers += [(200, INSPECTED), (404, {}), (200, {"Id": "b", "Os": "linux", "Architecture": "amd64", "Config": None})]
    assert engine.image("a:1") == Image(
        image_id="sha256:a",
        labels={"a": "b"},
        platform="linux/arm64/v8",
        repo_digests=("a@sha256:b",),
        size_bytes=7,
        variables=("PATH=/bin",),
        layers=2,
    )
    assert engine.image("b:1") is None
    bare = engine.image("c:1")
    assert bare == Image(image_id="b", labels={}, platform="linux/amd64", repo_digests=(), size_bytes=0)
    assert asked[0][:2] == ("GET", "/images/a:1/json")


@pytest.mark.parametrize("content", [{}, [], {"Id": "a", "Os": "linux"}, {**INSPECTED, "Config": [1]}])
def test_an_image_that_is_not_understood(answers: list[Any], asked: list[Any], content: Any) -> None:
    """An image of another form is an error, not an image that is not there."""
    answers.append((200, content))
    with pytest.raises(EngineError, match="the engine's answer is not understood"):
        Engine().image("a:1")


def test_known(answers: list[Any], asked: list[Any]) -> None:
    """An image's ID is not looked up twice; a name is, and an unknown one is no image."""
    engine = Engine()
    answers += [(200, INSPECTED), (200, INSPECTED), (404, {})]
    image = engine.image("a:1")
    assert engine.known("sha256:a") == image
    assert len(asked) == 1
    assert engine.known("a:1") == image
    assert engine.known("b:1") is None
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("status", "content", "wanted"),
    [
        (200, [{"CreatedBy": "last"}, {"CreatedBy": None}, {}, {"CreatedBy": "first"}], ("first", "", "", "last")),
        (404, {}, ()),
        (200, [1], None),
    ],
)
def test_history(answers: list[Any], asked: list[Any], status: int, content: Any, wanted: Any) -> None:
    """A history is told from the oldest; that of an image that is gone is empty."""
    answers.append((status, content))
    if wanted is None:
        with pytest.raises(EngineError):
            Engine().history("a")
    else:
        assert Engine().history("a") == wanted


def test_labelled(answers: list[Any], asked: list[Any]) -> None:
    """Images are found by all of their labels, with one question."""
    answers.append((200, [{"Id": "a", "Labels": {"x": "1"}}, {"Id": "b", "Labels": None}]))
    assert Engine().labelled({"x": "1", "y": "2"}) == {"a": {"x": "1"}, "b": {}}
    assert asked == [("GET", "/images/json", {"filters": {"label": ["x=1", "y=2"]}, "manifests": True})]
    answers.append((200, [{"Labels": {}}]))
    with pytest.raises(EngineError, match="not understood"):
        Engine().labelled({})


@pytest.mark.parametrize(("refusals", "found"), [(0, True), (7, True), (8, False)])
def test_a_list_under_removal(answers: list[Any], asked: list[Any], refusals: int, found: bool) -> None:
    """A list that somebody's removal broke is asked for again, some times."""
    answers += [(404, {"message": "no such image"})] * refusals + [(200, [])]
    if found:
        assert Engine().images({}) == []
    else:
        with pytest.raises(EngineError, match="cannot list images: no such image"):
            Engine().images({})
    assert len(asked) == min(refusals + 1, 8)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("a", {"repo": "docker.io/library/a", "tag": "latest"}),
        ("r.example.com:5000/a/b:c", {"repo": "r.example.com:5000/a/b", "tag": "c"}),
    ],
)
def test_tag(answers: list[Any], asked: list[Any], name: str, query: dict[str, str]) -> None:
    """A name is given in full."""
    answers.append((201, None))
    Engine().tag("sha256:a", ImageReference.parse(name))
    assert asked == [("POST", "/images/sha256:a/tag", query)]


@pytest.mark.parametrize(("refusals", "given"), [(7, True), (8, False)])
def test_a_tag_that_another_moves(answers: list[Any], asked: list[Any], refusals: int, given: bool) -> None:
    """A request that another process's broke is sent again, some times."""
    answers += [(500, {"message": "failed to create an image"})] * refusals + [(201, None)]
    if given:
        Engine().tag("sha256:a", ImageReference.parse("a"))
    else:
        with pytest.raises(EngineError, match="cannot tag an image as a: failed to create an image"):
            Engine().tag("sha256:a", ImageReference.parse("a"))
    assert len(asked) == min(refusals + 1, 8)


@pytest.mark.parametrize(
    ("content", "store", "config"),
    [
        (
            {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]], "RegistryConfig": {"a": 1}},
            True,
            {"a": 1},
        ),
        ({"DriverStatus": [["Backing Filesystem", "extfs"]], "RegistryConfig": None}, False, {}),
        ({}, False, {}),
    ],
)
def test_information(answers: list[Any], asked: list[Any], content: Any, store: bool, config: Any) -> None:
    """Which store it has and which registries it trusts stand in its information."""
    answers += [(200, content), (200, content)]
    assert (Engine().has_containerd_store(), Engine().registry_config()) == (store, config)


# --- whether it answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [((200, None), True), ((500, None), False), (EngineError("no"), False), (TimeLimitError("no"), False)],
)
def test_answers(answers: list[Any], asked: list[Any], answer: Any, wanted: bool) -> None:
    """It answers if it says that it does."""
    answers.append(answer)
    assert Engine().answers() is wanted


def test_returns(answers: list[Any], asked: list[Any]) -> None:
    """It is waited for until it answers."""
    answers += [EngineError("no"), (503, None), (200, None)]
    assert Engine().returns(30)
    assert len(asked) == 3


@pytest.mark.parametrize("cancelled", [True, False])
def test_returns_never(answers: list[Any], asked: list[Any], cancelled: bool) -> None:
    """It is waited for up to a limit, and no longer if that was cancelled."""
    answers += [EngineError("no")] * 1000
    cancel = threading.Event()
    if cancelled:
        cancel.set()
    assert Engine().returns(30 if cancelled else 0.02, cancel) is False
    assert (len(asked) == 1) is cancelled


# --- the client ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "error", "says"),
    [
        (FileNotFoundError(), EngineError, "the docker client is not installed"),
        (
            PermissionError(13, "Permission denied"),
            EngineError,
            "the docker client cannot be started: Permission denied",
        ),
        (subprocess.TimeoutExpired("docker", 1), TimeLimitError, "docker did not answer within 1 s"),
        (TooMuchError(), TaskError, "docker logs was stopped: it printed more than 16 MiB"),
        ((1, b"x\nCannot connect to the Docker daemon at y\n"), EngineError, "no Docker Engine answers: x"),
        ((1, b"error during connect: z"), EngineError, "no Docker Engine answers: error during connect: z"),
        ((1, b"no such container"), None, None),
        ((0, b"Cannot connect to the Docker daemon"), None, None),
    ],
)
def test_docker(monkeypatch: pytest.MonkeyPatch, outcome: Any, error: type[Exception] | None, says: str | None) -> None:
    """A client that cannot ask is an error; a command's own failure is left to its caller."""

    def captured(words: list[str], *, limit_s: float, limit_bytes: int) -> subprocess.CompletedProcess[bytes]:
        assert (words, limit_s) == (["docker", "logs", "a"], 1)
        if isinstance(outcome, Exception):
            raise outcome
        return subprocess.CompletedProcess(words, outcome[0], b"", outcome[1])

    monkeypatch.setattr(captured_module, "captured", captured)
    if error:
        with pytest.raises(error, match=says):
            Engine().docker("logs", "a", timeout_s=1)
    else:
        assert Engine().docker("logs", "a", timeout_s=1).returncode == outcome[0]
