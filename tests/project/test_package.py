"""The project as a whole: imports point one way, and the wheel has everything."""

import ast
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def imports(path: Path) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_generator_is_pure() -> None:
    """The generator imports neither `bake` nor anything that touches the world."""
    world = {
        "bake",
        "os",
        "subprocess",
        "socket",
        "time",
        "datetime",
        "random",
        "tempfile",
        "shutil",
        "python_on_whales",
    }
    for path in (ROOT / "generator").glob("*.py"):
        assert not imports(path) & world, path.name


def test_one_file_imports_python_on_whales() -> None:
    """The slow import has one place."""
    having = [p.name for p in (ROOT / "bake").glob("*.py") if "python_on_whales" in imports(p)]
    assert having == ["builder.py"]


def test_wheel_is_complete(tmp_path: Path) -> None:
    """A built wheel in an empty environment renders with its own template and recipe, and has its manual page."""
    subprocess.run([sys.executable, "-m", "build", "--wheel", "-o", tmp_path, ROOT], check=True, capture_output=True)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True, capture_output=True)
    (tmp_path / "desktop-bake.toml").write_text(
        f'[environments.a]\nbase_image = "a@sha256:{"a" * 64}"\nheadless_desktop_enabled = true\n'
    )
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "desktop-bake", "render", "-o", "ci"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ci" / "docker-bake.hcl").is_file()
    assert len(list((tmp_path / "ci" / "context").glob("*/desktop_install.sh"))) == 1
    page = tmp_path / "venv" / "share" / "man" / "man1" / "desktop-bake.1"
    assert page.read_bytes() == (ROOT / "docs" / "desktop-bake.1").read_bytes()
