"""ELBv2's actions. Importing this package registers them in `api.context.ACTIONS`."""

from . import (
    attributes,
    capacity,
    certificates,
    limits,
    listeners,
    load_balancers,
    rules,
    tags,
    target_groups,
    targets,
    zones,
)

__all__ = [
    "attributes",
    "capacity",
    "certificates",
    "limits",
    "listeners",
    "load_balancers",
    "rules",
    "tags",
    "target_groups",
    "targets",
    "zones",
]
