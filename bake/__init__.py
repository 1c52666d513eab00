"""Everything that touches the world: engine, builder, locks, tasks, command line.

The public names of the API: `ensure_desktop_image`, `ImageResult`, `Status`, `Settings`, `load_settings`,
`start_task`, `DesktopTask`, `DockerRunnerConfig`, `TaskOptions`, `Mount`, `Port`.
"""

from bake.ensure import ensure_desktop_image
from bake.mounts import Mount
from bake.options import TaskOptions
from bake.ports import Port
from bake.resolve import ImageResult, Status
from bake.runner import DockerRunnerConfig
from bake.settings import Settings
from bake.settings_file import load_settings
from bake.start import start_task
from bake.task import DesktopTask

__all__ = [
    "DesktopTask",
    "DockerRunnerConfig",
    "ImageResult",
    "Mount",
    "Port",
    "Settings",
    "Status",
    "TaskOptions",
    "ensure_desktop_image",
    "load_settings",
    "start_task",
]
