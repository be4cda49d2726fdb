"""IAM's actions. Importing this package registers them in `api.context.ACTIONS`."""

from . import instance_profiles, policies, roles, tags

__all__ = ["instance_profiles", "policies", "roles", "tags"]
