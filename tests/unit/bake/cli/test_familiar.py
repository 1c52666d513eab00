"""Words of other tools: each is told its name here, and that name exists."""

from __future__ import annotations

import re
import shlex

import pytest

from desktop_bake import ConfigurationError
from desktop_bake.bake.cli import familiar
from desktop_bake.bake.cli.completion import commands
from desktop_bake.bake.cli.familiar import command_meant, flag_meant
from desktop_bake.bake.cli.parser import parser
from desktop_bake.bake.task.docker_flags import OPTIONS, docker_options
from tests.harness.command_line import whole_parser
from tests.harness.every import every

FLAGS = {
    command.prog.partition(" ")[2]: set(command._option_string_actions)  # noqa: SLF001 (argparse has no other way)
    for command in commands(whole_parser())
}


@every(
    ("line", "remedy"),
    [
        ("ls", "use: desktop-bake ps for tasks, images for images, env list for environments"),
        ("rm x", "use: desktop-bake stop --rm TASK for a task, desktop-bake prune for images"),
        ("login", "use: docker login REGISTRY; its logins count here, too"),
        ("env create x", "use: desktop-bake env set --create ENV FIELD=VALUE"),
        ("buidl", "did you mean 'build'?"),
        ("prune -f", "use: --yes"),
        ("ps --format json", "use: --json"),
        ("logs -n 5 x", "use: desktop-bake logs TASK | tail -n N"),
        ("run --privileged -- x", "write it as an option of docker run: --docker=--privileged"),
        ("run --tmpfs /x", "write it as an option of docker run: --docker=--tmpfs=VALUE"),
        ("run --tmpfs=/x", "write it as an option of docker run: --docker=--tmpfs=VALUE"),
        ("stop --format json x", "see: desktop-bake stop --help"),
        ("doctor --fix", "see: desktop-bake doctor --help"),
        ("build --alll", "did you mean '--all'?"),
    ],
)
def test_what_is_said(line: str, remedy: str) -> None:
    """Instead of a word that only looks similar, the remedy is what does the same here."""
    with pytest.raises(ConfigurationError) as caught:
        parser(whole=False).parse_args(shlex.split(line))
    assert caught.value.remedy == remedy


def test_only_what_is_refused() -> None:
    """No command, action or flag that exists has a remedy."""
    for name, flags in FLAGS.items():
        group, _, word = name.rpartition(" ")
        assert not command_meant(group, word), name
        assert not [f for f in flags if f.removeprefix("--") not in OPTIONS and flag_meant(name, f, flags)], name


def test_what_is_advised_exists() -> None:
    """Each remedy names commands that exist, with flags that they take."""
    advice = [text for of in (familiar._COMMANDS, familiar._FLAGS) for table in of.values() for text in table.values()]  # noqa: SLF001 (all of them)
    for text in advice:
        for words in re.findall(r"desktop-bake ([a-z-]+(?: (?:set|list|show)\b)?)((?: --?[a-z-]+)*)", text):
            assert set(words[1].split()) <= FLAGS[words[0]], text
    assert len([text for text in advice if "desktop-bake" in text]) > 40
    for command, table in familiar._FLAGS.items():  # noqa: SLF001 (as above)
        takers = [command] if command else [name for name, own in FLAGS.items() if "--json" in own]
        for text in table.values():
            assert all(set(re.findall(r"(?:use:|,|;) (--?[a-z-]+)", text)) <= FLAGS[taker] for taker in takers), text


def test_every_option_of_docker_run() -> None:
    """What `--docker` takes and `run` does not is written by `--docker`; the rest is refused as before."""
    own = [name for name in OPTIONS if f"--{name}" not in FLAGS["run"]]
    assert all(flag_meant("run", f"--{name}", ()).startswith("write it as an option") for name in own)
    assert docker_options(["--privileged"]) == {"HostConfig": {"Privileged": True}}
    assert not flag_meant("run", "--entrypoint", ())
    assert not flag_meant("build", "--privileged", ())
