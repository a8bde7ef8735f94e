"""What an asset holds, as a value: JSON and YAML are read with the limits of a plan, everything else is its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import Fault, PlanError
from engine.plan.document import Document, GateError, StoppedError
from engine.plan.json_reader import read_json
from engine.plan.yaml_reader import read_yaml

if TYPE_CHECKING:
    from engine.model.asset import ResolvedAsset
    from engine.model.json import Json

MAX_CHARS: Final = 4 * 1024 * 1024
"""Of a document that is read as a value. A text may be of any length."""

_JSON: Final = frozenset(["application/json", "text/json"])
_YAML: Final = frozenset(["application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml"])


def is_structured(media_type: str) -> bool:
    """True for an asset whose value is read from its text."""
    return _bare(media_type) in _JSON | _YAML


def asset_value(asset: ResolvedAsset) -> Json:
    """The value of an asset. Raises PlanError, which names the asset, with each fault and its line."""
    return read_asset(asset).value if is_structured(asset.media_type) else asset.content


def read_asset(asset: ResolvedAsset) -> Document:
    """The content of a structured asset with the places of its parts. Raises PlanError."""
    text = asset.content
    if len(text) > MAX_CHARS:
        message = f"it is longer than {MAX_CHARS // 2**20} MiB"
        raise asset_error(asset, Fault(message, hint="keep the data in a file or a database that a step reads"))
    read = read_json if _bare(asset.media_type) in _JSON else read_yaml
    try:
        document = read(text)
    except GateError as error:
        fault = Document(text).fault(error.message, _without_plan(error.hint), error.offset)
        raise asset_error(asset, fault) from None
    except StoppedError as error:
        raise asset_error(asset, *error.faults) from None
    if document.faults:
        raise asset_error(asset, *document.faults)
    return document


def asset_error(asset: ResolvedAsset, *faults: Fault) -> PlanError:
    """What is wrong with an asset, as an error that names it."""
    return PlanError(asset.ref, faults, what="asset")


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _without_plan(hint: str) -> str:
    """The readers give advice for plans, some of which is none for anything else."""
    return "" if "plan" in hint else hint
