"""Conditions: a parsed expression as closures over what a step sees. Evaluating one never raises and costs what the data costs.

A dot is a key of an object. A value that is missing is null; an order between null, or between different types, is false.
`STEP.status == 'success'` reads as `'succeeded'`. `and` and `or` give the operand that decided, as in Python.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.plan.expression_parser import (
    Comparison,
    Constant,
    ExpressionError,
    Items,
    Junction,
    Length,
    Name,
    Negation,
    Node,
    parse,
)
from engine.plan.values import MISSING, child, comparable, contains, equal, length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model.json import Json
    from engine.plan.scope import View

__all__ = ["Expression", "ExpressionError", "compile_expression", "compile_filter", "names_of"]

Evaluate: TypeAlias = "Callable[[Any], Any]"

_ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SUCCESS = Constant("success")
_SUCCEEDED = Constant("succeeded")
_NO_STEPS = frozenset(["@", "env", "params", "run", "plan", "compose", "inputs", "item", "secrets", "assets"])


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition, ready to be asked again and again. `names` are all paths in it, for checks and dependencies."""

    text: str
    names: tuple[Name, ...]
    _evaluate: Evaluate = field(repr=False, compare=False)

    def value(self, view: View) -> Json:
        """What it comes to."""
        result: Json = self._evaluate(view)
        return result

    def holds(self, view: View) -> bool:
        """True unless it comes to null, false, 0 or something empty."""
        return bool(self._evaluate(view))


def compile_expression(text: str) -> Expression:
    """Compile a condition. Raises ExpressionError with the character that is wrong."""
    tree = parse(text)
    return Expression(text, tuple(names_of(tree)), _compile(tree, _view_path))


def compile_filter(tree: Node) -> Callable[[Any], bool]:
    """A filter over one item; `@` is the item. Raises ExpressionError for any other name."""
    for name in names_of(tree):
        if name.head != "@":
            hint = f"write '@.{name.head}' for a field of the item; quote a text"
            raise ExpressionError(f"a filter sees only the item, not '{name.head}'", name.offset, hint)
    evaluate = _compile(tree, _item_path)
    return lambda item: bool(evaluate(item))


def names_of(node: Node) -> Iterator[Name]:
    """Every path in a tree, those inside brackets too."""
    stack: list[Node] = [node]
    while stack:
        current = stack.pop()
        match current:
            case Name():
                yield current
                stack.extend(key for key in current.keys if not isinstance(key, str | int))
            case Items():
                stack.extend(current.items)
            case Length() | Negation():
                stack.append(current.of)
            case Junction() | Comparison():
                stack.extend(current.operands)
            case Constant():
                pass


def _compile(node: Node, path: Callable[[Name], Evaluate]) -> Evaluate:
    match node:
        case Constant():
            value = node.value
            return lambda _: value
        case Name():
            return path(node)
        case Items():
            items = [_compile(item, path) for item in node.items]
            return lambda view: [item(view) for item in items]
        case Length():
            measured = _compile(node.of, path)
            return lambda view: length(measured(view))
        case Negation():
            negated = _compile(node.of, path)
            return lambda view: not negated(view)
        case Junction():
            return _junction(node, path)
        case Comparison():
            return _comparison(node, path)


def _junction(node: Junction, path: Callable[[Name], Evaluate]) -> Evaluate:
    *first, last = [_compile(operand, path) for operand in node.operands]
    all_of = node.all_of

    def evaluate(view: Any) -> Any:
        for operand in first:
            value = operand(view)
            if bool(value) is not all_of:
                return value
        return last(view)

    return evaluate


def _comparison(node: Comparison, path: Callable[[Name], Evaluate]) -> Evaluate:
    pairs = []
    for left, sign, right in zip(node.operands, node.operators, node.operands[1:], strict=False):
        compare = _operation(sign)
        left, right = _read_success(left, right), _read_success(right, left)
        pairs.append((_compile(left, path), compare, _compile(right, path)))
    if len(pairs) == 1:
        one, compare, other = pairs[0]
        return lambda view: compare(one(view), other(view))
    return lambda view: all(compare(left(view), right(view)) for left, compare, right in pairs)


def _operation(sign: str) -> Callable[[Any, Any], bool]:
    match sign:
        case "==":
            return equal
        case "!=":
            return lambda left, right: not equal(left, right)
        case "in":
            return lambda item, container: contains(container, item)
        case "not in":
            return lambda item, container: not contains(container, item)
        case _:
            order = _ORDERS[sign]
            return lambda left, right: comparable(left, right) and bool(order(left, right))


def _read_success(node: Node, against: Node) -> Node:
    """`success` is what people write; the state is called `succeeded`. Only beside the status of a step."""
    if not (isinstance(against, Name) and _is_status(against)):
        return node
    if node == _SUCCESS:
        return _SUCCEEDED
    if isinstance(node, Items):
        return Items(tuple(_SUCCEEDED if item == _SUCCESS else item for item in node.items))
    return node


def _is_status(name: Name) -> bool:
    if name.head == "prev":
        return len(name.keys) == 2 and name.keys[1] == "status"
    return name.head not in _NO_STEPS and name.keys == ("status",)


def _view_path(name: Name) -> Evaluate:
    head, keys = name.head, name.keys
    if head == "prev" and keys and isinstance(keys[0], str):
        head, keys = keys[0], keys[1:]
    following = _follow(keys, _view_path)
    return lambda view: following(view.start(head), view)


def _item_path(name: Name) -> Evaluate:
    following = _follow(name.keys, _item_path)
    return lambda item: following(item, item)


def _follow(keys: tuple[str | int | Node, ...], path: Callable[[Name], Evaluate]) -> Callable[[Any, Any], Any]:
    """Go down a path from a value; brackets with an expression in them are worked out on the way."""
    steps: list[str | int | Evaluate] = [key if isinstance(key, str | int) else _compile(key, path) for key in keys]

    def follow(value: Any, context: Any) -> Any:
        for step in steps:
            key = step if isinstance(step, str | int) else step(context)
            if isinstance(key, bool) or not isinstance(key, str | int):
                return None
            value = child(value, key)
            if value is MISSING:
                return None
        return None if value is MISSING else value

    return follow
