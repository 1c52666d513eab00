"""Words that other tools have for what is called differently here: the remedy if somebody types one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..task.docker_flags import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

_LISTS = "use: desktop-bake ps for tasks, images for images, env list for environments"
_FOREGROUND = "use: desktop-bake run, with --detach to leave the task running"
_REMOVE = "use: desktop-bake stop --rm TASK for a task, desktop-bake prune for images"
_STOP = "use: desktop-bake stop TASK"
_PRUNE = "use: desktop-bake prune"
_SHELL = "use: desktop-bake exec TASK -- bash"
_SHOW = "use: desktop-bake env show ENV for an environment, desktop-bake ps --json for tasks"
_URL = "use: desktop-bake url TASK"
_PUBLISH = "use: desktop-bake build --push"
_WHY = "use: desktop-bake explain ENV"
_CHECK = "use: desktop-bake doctor, or for a rendered folder: desktop-bake render -o DIR --check"
_UPGRADE = "use: desktop-bake lock --upgrade"
_CREATE = "use: desktop-bake env set --create ENV FIELD=VALUE"
_DELETE = "remove the table [environments.ENV] from desktop-bake.toml"

_COMMANDS: Mapping[str, Mapping[str, str]] = {
    "": {
        **dict.fromkeys(("ls", "list", "status"), _LISTS),
        **dict.fromkeys(("start", "up", "create"), _FOREGROUND),
        **dict.fromkeys(("rm", "remove", "delete"), _REMOVE),
        **dict.fromkeys(("down", "kill"), _STOP),
        **dict.fromkeys(("clean", "clear", "gc", "rmi"), _PRUNE),
        **dict.fromkeys(("shell", "ssh", "sh", "bash", "enter"), _SHELL),
        **dict.fromkeys(("inspect", "show", "config"), _SHOW),
        **dict.fromkeys(("open", "view", "vnc"), _URL),
        **dict.fromkeys(("push", "publish"), _PUBLISH),
        **dict.fromkeys(("why", "diff"), _WHY),
        **dict.fromkeys(("check", "validate", "verify"), _CHECK),
        **dict.fromkeys(("update", "upgrade"), _UPGRADE),
        "pull": "use: desktop-bake build, which pulls what the registry has",
        "login": "use: docker login REGISTRY; its logins count here, too",
        "bake": "use: desktop-bake build",
        "rebuild": "use: desktop-bake build --no-cache",
        "restart": "use: desktop-bake stop TASK, then desktop-bake run",
    },
    "env": {
        **dict.fromkeys(("add", "create", "new"), _CREATE),
        **dict.fromkeys(("rm", "remove", "delete"), _DELETE),
        "ls": "use: desktop-bake env list",
        "get": "use: desktop-bake env show ENV",
        "edit": "edit desktop-bake.toml; an editor can check it: desktop-bake schema",
    },
}
_JSON = "use: --json"
_LOG_LINES = "leave it out: log lines are printed, unless there is --quiet"
_YES = "use: --yes"
_TAG = "the tag is the cache key; --repository names the repository, and alias_tags in desktop-bake.toml adds tags"
_IMAGE = "write it into the environment: desktop-bake env set ENV base_image=REF"
_TAIL = "use: desktop-bake logs TASK | tail -n N"
_FILE = "use: --config FILE"

_FLAGS: Mapping[str, Mapping[str, str]] = {
    "": {"--format": _JSON, **dict.fromkeys(("--verbose", "--debug"), _LOG_LINES), "--file": _FILE},
    "build": {
        **dict.fromkeys(("-t", "--tag"), _TAG),
        "-f": _FILE,
        "--build-arg": "write it into the environment: desktop-bake env set ENV build_args.NAME=VALUE",
        "--dry-run": "use: desktop-bake resolve ENV",
        "--force": "use: --no-cache",
        "--load": "leave it out: the engine has every image that is built",
        "--no-push": "set push = false in desktop-bake.toml, or DESKTOP_BAKE_PUSH=false",
        "--secret": "write the variable's name into the environment: desktop-bake env set ENV build_secrets=NAME",
    },
    "init": {"--force": "edit desktop-bake.toml, or remove it first"},
    "logs": dict.fromkeys(("-n", "--tail"), _TAIL),
    "prune": {
        **dict.fromkeys(("-f", "--force"), _YES),
        **dict.fromkeys(
            ("-a", "--all"), "leave it out: without --keep or --older-than, prune removes every unused image"
        ),
    },
    "run": {
        **dict.fromkeys(("--image", "--base-image"), _IMAGE),
        **dict.fromkeys(("--size", "--resolution"), "use: --geometry WxH"),
        "--port": "use: -p PORT for a port of the task, --novnc-port N for the desktop's",
        "--push": "set push = true in desktop-bake.toml, or DESKTOP_BAKE_PUSH=true",
        "--view-only": "use: desktop-bake url --view-only TASK",
    },
}


def command_meant(group: str, word: str) -> str:
    """The remedy for a command, or for an action of one, that has another name here; empty if there is none.

    Args:
        group: the command whose action it is; empty for a command.
        word: what was typed.
    """
    return _COMMANDS.get(group, {}).get(word, "")


def flag_meant(command: str, flag: str, known: Container[str]) -> str:
    """The remedy for a flag that a command has under another name, or does not need; empty if there is none.

    Args:
        command: the command, such as `env set`; empty if there is none.
        flag: what was typed, without a value.
        known: the flags that the command takes.
    """
    said = _FLAGS.get(command, {}).get(flag) or _FLAGS[""].get(flag, "")
    if said == _JSON and "--json" not in known:
        return ""
    if not said and command == "run" and flag.removeprefix("--") in OPTIONS:
        return f"write it as an option of docker run: --docker={flag}" + ("" if flag == "--privileged" else "=VALUE")
    return said
