"""layer_packages.sh with package managers that only say what they were asked: on which base who is asked, as whom, for
what, and what is said of a failure."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop_bake.bake.config.shipped import shipped

DEBIAN = "ID=debian\n"
ARCH = "ID=pixelarch\nID_LIKE=arch\nPRETTY_NAME='Pixel Arch'\n"
TOOLS = ("bash", "cat", "grep", "tr", "mktemp", "mv", "rm", "rmdir", "tail", "find", "env", "mkdir")
# what a package manager does: write its words down, and fail as often as it is told, saying this
STAND_IN = """#!{bash}
echo "{name} $*" >>{log}
case " $* " in *{on}*) ;; *) exit 0 ;; esac
printf x >>{log}.{name}
[ "$(cat {log}.{name})" != {fails} ] || exit 0
cat >&2 <<'END'
{says}
END
exit 1
"""


@dataclass
class Base:
    """A base, in its own folder: paths of the script below /etc and /var lie there."""

    folder: Path

    def write(self, name: str, on: str = "nothing", says: str = "", fails: int = 9) -> None:
        """A program that writes its words down; one that is called with these says so and fails, so often less one."""
        text = STAND_IN.format(
            bash=shutil.which("bash"), name=name, log=self.folder / "log", on=f"'{on}'", says=says, fails="x" * fails
        )
        self.program(name, text)

    def program(self, name: str, text: str) -> None:
        """A program of this text."""
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self, *names: str, keep: bool = False) -> tuple[int, list[str], list[str]]:
        """Install these: the exit status, what the package managers were asked, and what was said on standard error."""
        script = shipped("recipe/layer_packages.sh").read_text()
        for top in (" /etc/", " /var/"):
            script = script.replace(top, f" {self.folder}{top.strip()}")
        assert not re.search(r"[^\w.]/(etc|var|usr/lib)/", script.replace(str(self.folder), "HERE"))
        own = {"PATH": str(self.folder / "bin"), "TMPDIR": str(self.folder / "tmp")}
        variables = {**own, **({"DESKTOP_KEEP_DOWNLOADS": "1"} if keep else {})}
        done = subprocess.run(
            [self.folder / "bin" / "bash", "-c", script, "layer_packages.sh", *names],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=variables,
        )
        log = self.folder / "log"
        return done.returncode, log.read_text().splitlines() if log.exists() else [], done.stderr.splitlines()


@pytest.fixture
def base(tmp_path: Path) -> Base:
    """A Debian of which root is the user."""
    made = Base(tmp_path)
    for folder in ("bin", "etc/apt/apt.conf.d", "var/lib/apt/lists/partial", "var/cache/pacman/pkg", "tmp"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text(DEBIAN)
    (tmp_path / "etc/apt/apt.conf.d/docker-clean").write_text("clean")
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or "")
    for name in ("apt-get", "sleep"):
        made.write(name)
    made.program("id", f"#!{shutil.which('bash')}\necho 0\n")
    return made


def as_user(base: Base, *, sudo: bool = True) -> None:
    """Let the base run as a user."""
    base.program("id", f"#!{shutil.which('bash')}\n[ $1 = -u ] && echo 1000 || echo worker\n")
    if sudo:
        base.program("sudo", f'#!{shutil.which("bash")}\necho "sudo $*" >>{base.folder}/log\nshift 2\nexec "$@"\n')


def arch(base: Base) -> None:
    """Make an Arch of it."""
    (base.folder / "etc/os-release").write_text(ARCH)
    base.write("pacman")


def test_apt(base: Base) -> None:
    """apt gets the names behind its options, without what they recommend; lists and archives go, but not in a build."""
    status, asked, _ = base.run("git", "g++")
    assert status == 0
    update, install, clean = asked
    assert update.endswith(" update")
    assert " install -y --no-install-recommends " in install
    assert install.endswith(" -- git g++")
    assert clean.endswith(" clean")
    assert not list((base.folder / "var/lib/apt/lists").iterdir())
    assert (base.folder / "etc/apt/apt.conf.d/docker-clean").read_text() == "clean"


def test_apt_in_a_build(base: Base) -> None:
    """Downloads stay in the cache mounts: what would delete them is away meanwhile, and there again afterwards."""
    base.program(
        "apt-get",
        f'#!{shutil.which("bash")}\necho "$* $(echo {base.folder}/etc/apt/apt.conf.d/*)" >>{base.folder}/log\n',
    )
    status, asked, _ = base.run("git", keep=True)
    assert (status, len(asked)) == (0, 2)
    assert not any("docker-clean" in line for line in asked)
    assert (base.folder / "etc/apt/apt.conf.d/docker-clean").read_text() == "clean"
    assert (base.folder / "var/lib/apt/lists/partial").is_dir()


def test_as_a_user(base: Base) -> None:
    """If the base runs as a user, all of it goes through sudo, which asks for no password."""
    as_user(base)
    status, asked, _ = base.run("git", keep=True)
    assert status == 0
    assert sum(line.startswith("sudo -n -E ") for line in asked) == 4  # two moves of a file, update and install


def test_without_sudo(base: Base) -> None:
    """A user without sudo is told what to do."""
    as_user(base, sudo=False)
    status, asked, said = base.run("git")
    assert (status, asked) == (1, [])
    assert said == [
        "[layer] the base runs as user worker and has no sudo; install sudo in the base or let it run as root"
    ]


@pytest.mark.parametrize(
    ("says", "last"),
    [
        ("E: Unable to locate package chromiun", "[layer] the package sources have no chromiun"),
        (
            "E: Unable to locate package chromiun\nE: Unable to locate package gitt",
            "[layer] the package sources have no chromiun, gitt=2",
        ),
        ("E: Package 'chromiun' has no installation candidate", "[layer] the package sources have no chromiun"),
        ("E: Version '2' for 'gitt' was not found", "[layer] the package sources have no gitt=2"),
        ("E: Unmet dependencies. unmet dependencies", "E: Unmet dependencies. unmet dependencies"),
    ],
)
def test_what_apt_has_not(base: Base, says: str, last: str) -> None:
    """What is permanent is tried once, and the last line names the packages."""
    base.write("apt-get", on="install", says=says)
    status, asked, said = base.run("chromiun", "gitt=2", "git")
    assert (status, len(asked)) == (1, 2)
    assert said[-1] == last


def test_a_network_that_fails(base: Base) -> None:
    """What may be temporary is tried three times; then the line blames the network and no package."""
    lost = "E: Failed to fetch http://x  Could not connect\nE: Unable to locate package git"
    base.write("apt-get", on="update", says=lost, fails=3)
    assert base.run("git")[0] == 0
    (base.folder / "log").unlink()
    base.write("apt-get", on="update", says=lost)
    (base.folder / "log.apt-get").unlink()
    status, asked, said = base.run("git")
    assert (status, sum("update" in line for line in asked)) == (1, 3)
    assert said[-1] == "E: Failed to fetch http://x  Could not connect"


def test_pacman(base: Base) -> None:
    """Root on Arch asks pacman, which brings the whole system up to date."""
    arch(base)
    base.write("yay")
    status, asked, _ = base.run("git", "extra/chromium")
    assert status == 0
    assert asked[-1] == "pacman -Syu --noconfirm --needed -- git extra/chromium"
    assert not any(line.startswith("yay") for line in asked)


def test_yay(base: Base) -> None:
    """A user on Arch asks yay, which builds what the repositories have not; without yay pacman, through sudo."""
    arch(base)
    as_user(base)
    assert base.run("git", keep=True)[1][-1] == "pacman -Syu --noconfirm --needed -- git"
    base.write("yay")
    status, asked, _ = base.run("git", "novnc", keep=True)
    assert status == 0
    assert asked[-2:] == [
        "yay -Syu --noconfirm --needed --removemake --cleanafter -- git novnc",
        "pacman -T -- git novnc",
    ]


@pytest.mark.parametrize(
    ("manager", "says"),
    [
        ("pacman", "error: target not found: gitt"),
        ("yay", " -> No AUR package found for gitt"),
        ("yay", "\tgitt (Target)"),
    ],
)
def test_what_arch_has_not(base: Base, manager: str, says: str) -> None:
    """Pacman and yay are understood, too."""
    arch(base)
    as_user(base)
    base.write(manager, on="-Syu", says=says)
    status, _, said = base.run("git", "gitt")
    assert (status, said[-1]) == (1, "[layer] the package sources have no gitt")


def test_what_yay_calls_a_success(base: Base) -> None:
    """A package that is not there although yay is content is missed; a group is not."""
    arch(base)
    as_user(base)
    base.write("yay")
    base.program(
        "pacman",
        f"#!{shutil.which('bash')}\n[ $1 = -T ] && echo base-devel && echo gitt; [ \"$1 $3\" != '-Sg gitt' ]\n",
    )
    status, _, said = base.run("git", "base-devel", "gitt")
    assert (status, said[-1]) == (1, "[layer] the package sources have no gitt")


@pytest.mark.parametrize(
    ("release", "name"), [("ID=alpine\nPRETTY_NAME='Alpine Linux'\n", "Alpine Linux"), ("", "unknown")]
)
def test_another_base(base: Base, release: str, name: str) -> None:
    """A base of another family is refused by its name."""
    (base.folder / "etc/os-release").write_text(release)
    status, asked, said = base.run("git")
    assert (status, asked) == (1, [])
    assert said == [f"[layer] unsupported base: {name}; packages need Debian, Ubuntu (apt) or Arch (pacman or yay)"]


@pytest.mark.parametrize(("release", "manager"), [(DEBIAN, "apt-get"), (ARCH, "pacman")])
def test_a_base_without_its_package_manager(base: Base, release: str, manager: str) -> None:
    """A base from which the package manager was removed is told so in one line, at once."""
    (base.folder / "etc/os-release").write_text(release)
    (base.folder / "bin/apt-get").unlink()
    status, asked, said = base.run("git")
    assert (status, asked) == (1, [])
    assert said == [f"[layer] unsupported base: it has no {manager}; take one that has it"]
