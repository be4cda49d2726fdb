"""Service Quotas' actions. Importing this package registers them in `api.context.ACTIONS`."""

from . import changing, looking

__all__ = ["changing", "looking"]
