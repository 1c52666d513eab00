"""The events of a task, as values for its program: each is sent when what it names begins or has happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal

    Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class Pulling:
    """An image is being pulled: a baked one from the team's registry, or a missing base.

    Attributes:
        image: its name.
    """

    image: str


@dataclass(frozen=True)
class Building:
    """An image is being baked on this machine.

    Attributes:
        image: its name, whose tag is its key.
    """

    image: str


@dataclass(frozen=True)
class Creating:
    """The task's container is being created; sent again if its image has to be pulled or built first.

    Attributes:
        image: the image's ID, or the base's name.
    """

    image: str


@dataclass(frozen=True)
class Started:
    """The engine has started the container; the desktop, and anything installed at start, are not ready yet.

    Attributes:
        container_id: the container.
        name: the container's name.
    """

    container_id: str
    name: str


@dataclass(frozen=True)
class Ready:
    """The desktop answers; without a desktop, the container runs and everything is installed.

    Attributes:
        novnc_url: where a browser on this machine sees the desktop, with the task's secret; None without a desktop.
    """

    novnc_url: str | None = field(repr=False)


@dataclass(frozen=True)
class Output:
    """The task's command has printed a line.

    Attributes:
        stream: `stdout` or `stderr`.
        line: the line without its end.
    """

    stream: Stream
    line: str


@dataclass(frozen=True)
class Exited:
    """The task's command has ended, and all of its output has been sent.

    Attributes:
        status: its exit status; 137 also if the task was stopped.
    """

    status: int


TaskEvent = Pulling | Building | Creating | Started | Ready | Output | Exited
