"""Roles, policies and instance profiles: who may call what, without being the account itself. `id` is the ARN."""

from __future__ import annotations

from dataclasses import dataclass, field

from .vpc import Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    id: str
    """`arn:aws:iam::ACCOUNT:role/PATH/NAME`."""
    account: str
    name: str
    path: str = "/"
    role_id: str
    """`AROA` + 16 characters: a role made again under the same name is another one."""
    trust: str
    """Who may assume it: the policy document, as given."""
    description: str = ""
    max_session_s: int = 3600
    created: float
    inline: dict[str, str] = field(default_factory=dict)
    """Policy name -> document, as given."""
    attached: tuple[str, ...] = ()
    """ARNs of managed policies."""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedPolicy:
    id: str
    """`arn:aws:iam::ACCOUNT:policy/PATH/NAME`."""
    account: str
    name: str
    path: str = "/"
    policy_id: str
    """`ANPA` + 16 characters."""
    document: str
    description: str = ""
    created: float
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceProfile:
    id: str
    """`arn:aws:iam::ACCOUNT:instance-profile/PATH/NAME`."""
    account: str
    name: str
    path: str = "/"
    profile_id: str
    """`AIPA` + 16 characters."""
    role: str | None = None
    """The role's ARN; at most one, as on AWS."""
    created: float
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileAssociation:
    """An instance profile on an instance; at most one for each instance."""

    id: str
    """`iip-assoc-…`."""
    account: str
    region: str
    instance: str
    profile: str
    """ARN."""
    profile_id: str
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the parameter store. `id` is `ACCOUNT/REGION/NAME`."""

    id: str
    account: str
    region: str
    name: str
    """`/a/b` or `b`, as given."""
    type: str
    """`String` or `StringList`."""
    values: tuple[str, ...]
    """Every version, the first first."""
    modified: float
    description: str = ""
    allowed_pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What the service signs with. Made when first needed, and kept: what was signed before a restart holds after it."""

    id: str
    """`sessions`, `authority` or `identity-document`."""
    value: str
    """Hex for `sessions`, PEM (key, then certificate) for the others."""
