"""Assets: named, versioned documents that stages use, and the way to refer to one. Keeping them is the store's business."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import Field

from engine.model.stage import AssetRef, Contract


class AssetType(StrEnum):
    """What an asset is for."""

    POLICY = "policy"
    QUERY = "query"
    PROMPT = "prompt"
    TEMPLATE = "template"
    MAPPING = "mapping"
    SOURCE = "source"
    TOOL = "tool"
    SCREEN = "screen"


class AssetStatus(StrEnum):
    """How far a version has come. A published one never changes; a deprecated one is used only by those that name it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"


class AssetSource(StrEnum):
    """Why a run uses this version: somebody set it for this run, the plan names it, or it is the newest published one."""

    OVERRIDE = "override"
    PIN = "pin"
    PUBLISHED = "published"


class PolicyKind(StrEnum):
    """What a policy decides, as its document says in `kind`."""

    ROUTING = "routing"
    REPLAN = "replan"
    VALIDATION = "validation"
    GATES = "gates"


_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_REFERENCE: Final = re.compile(rf"([a-z]+)/({_NAME.pattern})(?:@([1-9][0-9]{{0,8}}))?")
_EXAMPLE: Final = "for example query/ci-lookup or query/ci-lookup@3"


@dataclass(frozen=True, slots=True, order=True)
class AssetName:
    """Which asset: `query/ci-lookup`."""

    type: AssetType
    name: str

    def __str__(self) -> str:
        return f"{self.type}/{self.name}"


@dataclass(frozen=True, slots=True)
class AssetReference:
    """An asset, and the version of it that is meant if one is named: `query/ci-lookup@3`."""

    name: AssetName
    version: int | None = None

    def __str__(self) -> str:
        return str(self.name) if self.version is None else f"{self.name}@{self.version}"


def parse_reference(text: str) -> AssetReference:
    """The asset that a text names. Raises ValueError with a sentence that says what is wrong with it."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} names no asset; write type/name or type/name@version, {_EXAMPLE}")
    kind, name, version = match.groups()
    try:
        asset_type = AssetType(kind)
    except ValueError:
        known = ", ".join(AssetType)
        raise ValueError(f"there is no type of asset {kind!r}; there are {known}") from None
    return AssetReference(AssetName(asset_type, name), None if version is None else int(version))


class AssetVersion(Contract):
    """One version of an asset, whole. `created_at_us` is microseconds since the epoch, UTC; `sha256` that of the content."""

    type: AssetType
    name: str
    version: int = Field(ge=1)
    status: AssetStatus
    media_type: str
    content: str
    sha256: str
    author: str = ""
    note: str = ""
    created_at_us: int = 0

    @property
    def ref(self) -> str:
        """`query/ci-lookup@3`."""
        return f"{self.type}/{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class ResolvedAsset:
    """An asset version as a run uses it, and why this version."""

    name: AssetName
    version: int
    media_type: str
    content: str
    sha256: str
    source: AssetSource
    status: AssetStatus = AssetStatus.PUBLISHED

    @property
    def ref(self) -> str:
        """`query/ci-lookup@3`."""
        return f"{self.name}@{self.version}"

    def applied(self) -> AssetRef:
        """As a stage's input names it."""
        return AssetRef(ref=self.ref, sha256=self.sha256, source=self.source.value)
