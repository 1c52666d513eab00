"""`desktop-bake ui`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from desktop_bake.bake.cli.commands import ui as module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from desktop_bake.bake.ui.source import Source

    Typed = Callable[..., tuple[int, str, str]]


class Server:
    """A server that is asked once."""

    source: Source

    def serve(self, source: Source, port: int, told: Callable[[str], None], *, opened: bool) -> None:
        """Tell an address, and be interrupted."""
        self.source = source
        told(f"http://127.0.0.1:{port}/ {opened}")
        raise KeyboardInterrupt


def test_until_it_is_interrupted(typed: Typed, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is the result; Ctrl-C is a good end; the page reads what the command line would read."""
    server = Server()
    monkeypatch.setattr(module, "server", server)
    assert typed("ui", "--port", "8123", "-q", "--metrics", "m") == (0, "http://127.0.0.1:8123/ False\n", "")
    assert server.source.file.path == project / "desktop-bake.toml"
    assert list(server.source.load().environments) == ["default", "plain"]
    assert str(server.source.metrics) == "m"
    status, _, errors = typed("ui", "--open")
    assert (status, "Ctrl-C ends it" in errors) == (0, True)


def test_without_the_extra(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what is missing, and one how to install it."""
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    status, output, errors = typed("ui")
    assert (status, output) == (2, "")
    assert errors == (
        "error: the page needs two more packages\n"
        "  install them: pipx install --force 'desktop-bake[ui]', or pip install 'desktop-bake[ui]'\n"
    )
