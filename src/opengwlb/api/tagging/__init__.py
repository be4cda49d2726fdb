"""The Resource Groups Tagging API's actions. Importing this package registers them in `api.context.ACTIONS`."""

from . import changes, looking

__all__ = ["changes", "looking"]
