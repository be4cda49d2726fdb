"""ELBv2's actions. Importing this package registers them in `api.context.ACTIONS`."""

from . import (
    attributes,
    listeners,
    load_balancers,
    tags,
    target_groups,
    targets,
    zones,
)

__all__ = [
    "attributes",
    "listeners",
    "load_balancers",
    "tags",
    "target_groups",
    "targets",
    "zones",
]
