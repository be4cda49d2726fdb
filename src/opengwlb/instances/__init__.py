"""Instances: the OCI runtime driver, the images and the appliances that come with OpenGWLB."""

from .content import ContentStore
from .driver import InstanceDriver, InstanceError, InstanceSpec, RunningInstance
from .runc import RuncDriver

__all__ = ["ContentStore", "InstanceDriver", "InstanceError", "InstanceSpec", "RuncDriver", "RunningInstance"]
