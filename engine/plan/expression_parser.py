"""The grammar of expressions: text to a tree of a closed set of nodes. What the nodes mean is in expressions.py.

A parser of our own, and not Python's, so that only what is listed here exists, every fault has its character, and no input
can be deep or long enough to hurt.

    or      = and { "or" and }                 compare = value { (== != < <= > >= | in | not in) value }
    and     = not { "and" not }                value   = constant | "[" [or {"," or}] "]" | "(" or ")" | "len" "(" or ")" | path
    not     = "not" not | compare              path    = (NAME | "@") { "." NAME | "[" or "]" }
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from engine.model.json import Json

MAX_CHARS = 2000
MAX_DEPTH = 32


class ExpressionError(ValueError):
    """The text is no expression: what is wrong, at which character (from 0), and what to write instead."""

    def __init__(self, message: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal value."""

    value: Json


@dataclass(frozen=True, slots=True)
class Items:
    """A list written out."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A path from a name, or from `@`, the item that a filter looks at."""

    head: str
    keys: tuple[str | int | Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Length:
    """`len(...)`."""

    of: Node


@dataclass(frozen=True, slots=True)
class Negation:
    """`not ...`."""

    of: Node


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or`; the value is that of the operand which decided."""

    all_of: bool
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b <= c`: every neighbouring pair has to hold."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]


Node: TypeAlias = Constant | Items | Name | Length | Negation | Junction | Comparison

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<number>-?(?:[0-9]+\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?)(?![A-Za-z0-9_.])
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,|\.|@)
    | (?P<end>$)
    )""",
    re.VERBOSE | re.DOTALL,
)
_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_COMPARISONS = frozenset(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
_KEYWORDS = frozenset(["and", "or", "not", "in", "is", "if", "else", "lambda", "for", "await", "async", "yield"])
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}
_WRONG_SIGNS = (
    ("===", "write =="),
    ("=", "compare with =="),
    ("&&", "write 'and'"),
    ("||", "write 'or'"),
    ("!", "write 'not'"),
    ("{", "an expression has no braces: write primary.status, not {primary.status}"),
    ("}", "an expression has no braces: write primary.status, not {primary.status}"),
    ("'", "the closing quote is missing"),
    ('"', "the closing quote is missing"),
    (":", "there are no slices and no assignments"),
)
_ARITHMETIC = "there is no arithmetic; let a step work it out"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


class _Parser:
    def __init__(self, text: str, start: int, *, in_filter: bool) -> None:
        self.text = text
        self.in_filter = in_filter
        self.limit = start + MAX_CHARS
        self.depth = 0
        self.token = self._read(start)

    # tokens ----------------------------------------------------------------------------------------------------------

    def _read(self, at: int) -> _Token:
        if at > self.limit:
            raise ExpressionError(f"the expression is longer than {MAX_CHARS} characters", at, "split it")
        found = _TOKEN.match(self.text, at)
        if found is None:
            raise self._unreadable(at)
        kind = found.lastgroup or "end"
        return _Token(kind, found[kind], found.start(kind), found.end())

    def _unreadable(self, at: int) -> ExpressionError:
        while self.text[at] in " \t\r\n":
            at += 1
        rest = self.text[at : at + 3]
        hint = next((hint for sign, hint in _WRONG_SIGNS if rest.startswith(sign)), "")
        if not hint and rest[0] in "+-*/%^~|&":
            hint = _ARITHMETIC
        if not hint and rest[0].isdigit():
            return ExpressionError("a number is not written as in JSON", at, "quote it if it is a text")
        return ExpressionError(f"'{rest[0]}' has no meaning in an expression", at, hint)

    def _advance(self) -> _Token:
        taken = self.token
        self.token = self._read(taken.end)
        return taken

    def _is(self, text: str) -> bool:
        return self.token.text == text and self.token.kind in ("sign", "name")

    def _take(self, text: str) -> bool:
        if self._is(text):
            self._advance()
            return True
        return False

    def _need(self, text: str, where: str) -> None:
        if not self._take(text):
            raise ExpressionError(f"expected '{text}' {where}, found {self._found()}", self.token.start)

    def _found(self) -> str:
        return "the end" if self.token.kind == "end" else f"'{self.token.text[:40]}'"

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(
                f"the expression is nested more than {MAX_DEPTH} levels deep", self.token.start, "split it"
            )

    # grammar ---------------------------------------------------------------------------------------------------------

    def disjunction(self) -> Node:
        self._deeper()
        operands = [self._conjunction()]
        while self._take("or"):
            operands.append(self._conjunction())
        self.depth -= 1
        return operands[0] if len(operands) == 1 else Junction(all_of=False, operands=tuple(operands))

    def _conjunction(self) -> Node:
        operands = [self._negation()]
        while self._take("and"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else Junction(all_of=True, operands=tuple(operands))

    def _negation(self) -> Node:
        negations = 0
        while self._take("not"):
            negations += 1
        node = self._comparison()
        if negations:
            node = Negation(node)
            if negations % 2 == 0:
                node = Negation(node)
        return node

    def _comparison(self) -> Node:
        operands = [self._value()]
        operators: list[str] = []
        while (operator := self._operator()) is not None:
            operators.append(operator)
            operands.append(self._value())
        return Comparison(tuple(operands), tuple(operators)) if operators else operands[0]

    def _operator(self) -> str | None:
        if self._is("is"):
            raise ExpressionError("'is' has no meaning here", self.token.start, "compare with == or !=")
        if self._is("not"):
            start = self.token.start
            self._advance()
            if not self._take("in"):
                raise ExpressionError("'not' stands in the wrong place", start, "write 'x not in y' or 'not x == y'")
            return "not in"
        if self.token.text in _COMPARISONS and self.token.kind in ("sign", "name"):
            return self._advance().text
        return None

    def _value(self) -> Node:
        token = self.token
        match token.kind:
            case "number":
                self._advance()
                return Constant(_number(token))
            case "text":
                self._advance()
                return Constant(_unquote(token))
            case "name":
                return self._named()
            case "sign" if token.text == "@":
                if not self.in_filter:
                    raise ExpressionError("'@' has a meaning only in a filter", token.start)
                self._advance()
                return self._path("@", token.start)
            case "sign" if token.text == "(":
                self._advance()
                node = self.disjunction()
                self._need(")", "to close the bracket")
                self._no_suffix()
                return node
            case "sign" if token.text == "[":
                self._advance()
                return self._list()
            case _:
                raise ExpressionError(f"expected a value, found {self._found()}", token.start)

    def _list(self) -> Node:
        items: list[Node] = []
        while not self._take("]"):
            if items:
                self._need(",", "between two items")
                if self._take("]"):
                    break
            items.append(self.disjunction())
        self._no_suffix()
        return Items(tuple(items))

    def _named(self) -> Node:
        token = self._advance()
        if token.text in _CONSTANTS:
            self._no_suffix()
            return Constant(_CONSTANTS[token.text])
        if token.text in _KEYWORDS:
            raise ExpressionError(f"'{token.text}' stands where a value is expected", token.start)
        if token.text == "len":
            self._need("(", "after len")
            node = self.disjunction()
            self._need(")", "after what is measured")
            self._no_suffix()
            return Length(node)
        if self._is("("):
            raise ExpressionError(
                f"'{token.text}(...)' is a call", token.start, "len(...) is the only function there is"
            )
        return self._path(token.text, token.start)

    def _path(self, head: str, offset: int) -> Node:
        keys: list[str | int | Node] = []
        while True:
            if self._take("."):
                if self.token.kind != "name":
                    raise ExpressionError(f"expected a name after '.', found {self._found()}", self.token.start)
                keys.append(self._advance().text)
            elif self._take("["):
                key = self.disjunction()
                self._need("]", "after the index")
                keys.append(_as_key(key))
            elif self._is("("):
                hint = "len(...) is the only function there is"
                raise ExpressionError(f"'{keys[-1] if keys else head}(...)' is a call", self.token.start, hint)
            else:
                return Name(head, tuple(keys), offset)

    def _no_suffix(self) -> None:
        if self.token.kind == "sign" and self.token.text in (".", "[", "("):
            raise ExpressionError(f"'{self.token.text}' may follow only a name", self.token.start)


def _as_key(node: Node) -> str | int | Node:
    if isinstance(node, Constant):
        value = node.value
        if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
            return value
    return node


def _number(token: _Token) -> int | float:
    text = token.text
    if any(char in text for char in ".eE"):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise ExpressionError("a number is too large", token.start)
        return value
    if len(text) > 20:
        raise ExpressionError("a number is too large", token.start)
    return int(text)


def _unquote(token: _Token) -> str:
    body = token.text[1:-1]
    if "\\" not in body:
        return body

    def replace(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPES:
            raise ExpressionError(
                f"'\\{found[1]}' is no escape", token.start + 1 + found.start(), "write a backslash as \\\\"
            )
        return _ESCAPES[found[1]]

    return re.sub(r"\\(.)", replace, body, flags=re.DOTALL)


def parse(text: str) -> Node:
    """The tree of a whole text. Raises ExpressionError."""
    if not text.strip():
        raise ExpressionError("the expression is empty", 0)
    if len(text) > MAX_CHARS:
        raise ExpressionError(f"the expression is longer than {MAX_CHARS} characters", MAX_CHARS, "split it")
    parser = _Parser(text, 0, in_filter=False)
    node = parser.disjunction()
    if parser.token.kind != "end":
        raise ExpressionError(f"nothing was expected after this, found {parser._found()}", parser.token.start)  # noqa: SLF001
    return node


def parse_filter(text: str, start: int) -> tuple[Node, int]:
    """The tree of a filter inside a longer text, and where its closing bracket stands. Raises ExpressionError."""
    parser = _Parser(text, start, in_filter=True)
    node = parser.disjunction()
    if not (parser.token.kind == "sign" and parser.token.text == "]"):
        raise ExpressionError("expected ']' after the filter", parser.token.start)
    return node, parser.token.start
