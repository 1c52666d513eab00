"""Everything that touches the world: engine, builder, locks, tasks, command line."""

from bake.ensure import ImageResult, Status, ensure_desktop_image
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
