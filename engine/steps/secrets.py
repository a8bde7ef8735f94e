"""The secrets of a run: loaded once, revealed only at spawn, masked in all that comes back. Searching bytes lives in masking."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.bound import SecretName
from engine.steps.encodings import MINIMUM_LENGTH, encoded_forms
from engine.steps.masking import Patterns, StreamMasker, mask_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.bound import BoundText
    from engine.model.json import Json
    from engine.model.plan import SecretSource

_MAX_FILE_BYTES = 64 << 10
_BETWEEN_TEXTS = "\x01" * 3  # in no form of a secret, and nothing that may stand in one
_NEXT = ", "
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


class SecretBox:
    """The secrets of one run by name. Its text never appears in a repr, an error or a message.

    Those `of_others` have no name here: they are only masked.
    """

    def __init__(self, values: Mapping[str, str] | None = None, *, of_others: Iterable[str] = ()) -> None:
        self._values = dict(values or {})
        self._masked = tuple(dict.fromkeys([*self._values.values(), *of_others]))
        forms = encoded_forms(self._masked)
        self._patterns = Patterns(forms.exact, forms.wrapped, forms.digits)
        self._in_numbers = any(_NUMBER.fullmatch(value) for value in self._masked)

    def __repr__(self) -> str:
        return f"SecretBox({', '.join(sorted(self._values))})"

    @classmethod
    def load(cls, sources: Mapping[str, SecretSource], *, host_env: Mapping[str, str], folder: Path) -> SecretBox:
        """Read every secret; a relative file is one of `folder`. Raises InputError that names all that cannot be used."""
        values: dict[str, str] = {}
        problems: list[InputError] = []
        for name, source in sources.items():
            try:
                values[name] = _checked(name, _read(name, source, host_env, folder))
            except InputError as error:
                problems.append(error)
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise InputError(
                "; ".join(str(problem) for problem in problems),
                place="secrets",
                hint="; ".join(dict.fromkeys(problem.hint for problem in problems)),
            )
        return cls(values)

    def below(self, above: SecretBox) -> SecretBox:
        """The same secrets for a run that is a step of another: those of the run above are masked too, and not revealed."""
        return SecretBox(self._values, of_others=above._masked) if above._masked else self

    def reveal(self, text: BoundText) -> str:
        """The text with its secrets in it. Raises InputError for a secret that was not declared."""
        if isinstance(text, str):
            return text
        return "".join(self._value(part) if isinstance(part, SecretName) else part for part in text.parts)

    def _value(self, secret: SecretName) -> str:
        try:
            return self._values[secret.name]
        except KeyError:
            raise InputError(
                "there is no such secret", place=f"secret {secret.name}", hint="declare it under secrets in the plan"
            ) from None

    def mask(self, text: str) -> str:
        """The text with *** in place of every secret, encoded ones too."""
        if not self._patterns or not text:
            return text
        return mask_bytes(self._patterns, text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def mask_json(self, value: Json) -> Json:
        """The value with its texts masked, keys and numbers that are secrets included. Keys that become equal are counted."""
        if not self._patterns or not (self._in_numbers or self._may_be_in(value)):
            return value
        return self._mask_json(value)

    def _may_be_in(self, value: Json) -> bool:
        """One look at all texts together: of a thousand values hardly one has a secret in it."""
        texts: list[str] = []
        _collect_texts(value, texts)
        whole = _BETWEEN_TEXTS.join(texts).encode("utf-8", "surrogatepass")
        return bool(self._patterns.spans(whole))

    def _mask_json(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            masked: dict[str, Json] = {}
            for key, item in value.items():
                masked[_free_key(masked, self.mask(key))] = self._mask_json(item)
            return masked
        if isinstance(value, list):
            if _are_bytes(value) and self.mask(written := _NEXT.join(map(str, value))) != written:
                return "***"
            return [self._mask_json(item) for item in value]
        if self._in_numbers and isinstance(value, int | float) and not isinstance(value, bool):
            text = json.dumps(value)
            masked_text = self.mask(text)
            return value if masked_text == text else masked_text
        return value

    @property
    def patterns(self) -> Patterns:
        """What is searched for."""
        return self._patterns

    def stream_masker(self) -> StreamMasker:
        """A masker for one stream."""
        return StreamMasker(self._patterns)


def _collect_texts(value: Json, texts: list[str]) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            texts.append(key)
            if type(item) is str:
                texts.append(item)
            else:
                _collect_texts(item, texts)
    elif isinstance(value, list):
        if _are_bytes(value):
            texts.append(_NEXT.join(map(str, value)))
            return
        for item in value:
            _collect_texts(item, texts)


def _are_bytes(value: list[Json]) -> bool:
    """True for a list of numbers that may stand for the characters of a secret."""
    return len(value) >= MINIMUM_LENGTH and all(type(item) is int for item in value)


def _free_key(taken: Mapping[str, Json], key: str) -> str:
    if key not in taken:
        return key
    number = 2
    while f"{key} ({number})" in taken:
        number += 1
    return f"{key} ({number})"


def _read(name: str, source: SecretSource, host_env: Mapping[str, str], folder: Path) -> str:
    place = f"secret {name}"
    if (source.env is None) == (source.file is None):
        raise InputError(
            "needs exactly one source", place=place, hint="write either {env: VARIABLE} or {file: PATH}, not both"
        )
    if source.env is not None:
        if source.env not in host_env:
            raise InputError(
                f"the environment variable {source.env} is not set", place=place, hint=f"set {source.env} and run again"
            )
        return host_env[source.env]
    return _read_file(place, folder / Path(str(source.file)).expanduser())


def _read_file(place: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text", place=place, hint="store the secret as text") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder", place=place, hint="name the file that holds the secret") from None
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", place=place, hint="make the file or correct its path") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its path cannot be used"
        raise InputError(
            f"{path} cannot be read: {reason}", place=place, hint="check its path and permissions"
        ) from None
    if len(content) > _MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than 64 KiB", place=place, hint="name the file that holds only the secret")
    return text.removesuffix("\n").removesuffix("\r")


def _checked(name: str, value: str) -> str:
    place = f"secret {name}"
    if len(value.strip()) < MINIMUM_LENGTH:
        raise InputError(
            f"it has fewer than {MINIMUM_LENGTH} characters",
            place=place,
            hint="a shorter one could not be told apart from ordinary output, so it could not be masked",
        )
    if "\0" in value:
        raise InputError("it has a NUL character in it", place=place, hint="store the secret as text")
    return value
