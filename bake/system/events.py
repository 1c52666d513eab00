"""What a task goes through, as values for its program: what each stands for begins, or has come, when it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal

    Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True)
class Pulling:
    """An image is pulled: a baked one from the team's registry, or a base that is not here.

    Attributes:
        image: its name.
    """

    image: str


@dataclass(frozen=True)
class Building:
    """An image is baked on this machine.

    Attributes:
        image: its name, whose tag is its key.
    """

    image: str


@dataclass(frozen=True)
class Creating:
    """The task's container is made; once more if its image has to be pulled, or built anew, first.

    Attributes:
        image: the image's ID, or the base's name.
    """

    image: str


@dataclass(frozen=True)
class Started:
    """The engine has started the container; its desktop is still to come, and so is what is installed at start.

    Attributes:
        container_id: the container.
        name: the container's name.
    """

    container_id: str
    name: str


@dataclass(frozen=True)
class Ready:
    """The desktop answers; without a desktop, the container runs and has what is installed at start.

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
    """The task's command has ended; all that it printed has been told.

    Attributes:
        status: its exit status; 137 also if the task was stopped.
    """

    status: int


TaskEvent = Pulling | Building | Creating | Started | Ready | Output | Exited
