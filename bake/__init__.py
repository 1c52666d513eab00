"""Everything that touches the world: engine, builder, locks, tasks, command line.

The public names of the API: `ensure_desktop_image`, `ImageResult`, `Status`, `Settings`, `load_settings`,
`start_task`, `DesktopTask`.
"""

from bake.ensure import ensure_desktop_image
from bake.resolve import ImageResult, Status
from bake.settings import Settings, load_settings
from bake.task import DesktopTask, start_task

__all__ = [
    "DesktopTask",
    "ImageResult",
    "Settings",
    "Status",
    "ensure_desktop_image",
    "load_settings",
    "start_task",
]
