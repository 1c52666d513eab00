"""A running task, as the engine lists it."""

from __future__ import annotations

from desktop_bake.bake.task.entry import TaskEntry

ENTRY = TaskEntry(
    container_id="c" * 64,
    name="desktop-bake-0123456789ab",
    environment="office",
    cache_key="",
    project="p",
    project_name="project",
    owner="o",
    version="1",
    state="running",
    status=None,
    created_s=1.0,
    novnc_port=6080,
)
