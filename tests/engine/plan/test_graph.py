"""Order, generations and cycles of steps."""

from __future__ import annotations

from itertools import pairwise

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.graph import Graph, build_graph, execution_groups


@st.composite
def _graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 12)))]
    return {name: draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) for name in names}


@given(_graphs())
def test_it_agrees_with_a_graph_library(depends_on: dict[str, list[str]]) -> None:
    """Generations, a valid order, or true cycles."""
    oracle: networkx.DiGraph[str] = networkx.DiGraph()
    oracle.add_nodes_from(depends_on)
    oracle.add_edges_from((needed, step) for step, all_needed in depends_on.items() for needed in all_needed)
    graph = build_graph(depends_on)
    if networkx.is_directed_acyclic_graph(oracle):
        assert isinstance(graph, Graph)
        assert [set(group) for group in execution_groups(graph)] == [
            set(g) for g in networkx.topological_generations(oracle)
        ]
        key = list(depends_on).index
        assert list(graph.order) == list(networkx.lexicographical_topological_sort(oracle, key=key))
    else:
        assert not isinstance(graph, Graph)
        assert graph
        for cycle in graph:
            assert cycle[0] == cycle[-1]
            assert all(other in depends_on[step] for step, other in pairwise(cycle))


def test_the_plans_own_order_is_kept_where_it_can_be() -> None:
    """Independent steps stay where they were written."""
    graph = build_graph({"c": [], "a": ["b"], "b": [], "d": ["c"]})
    assert isinstance(graph, Graph)
    assert graph.order == ("c", "b", "a", "d")


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.long
def test_a_chain_of_a_hundred_thousand_steps_needs_no_recursion(closed: bool) -> None:
    """Open it is an order, closed it is one cycle."""
    count = 100_000
    depends_on = {str(n): [str(n - 1)] if n else [] for n in range(count)}
    if closed:
        depends_on["0"] = [str(count - 1)]
    graph = build_graph(depends_on)
    if closed:
        assert not isinstance(graph, Graph)
        [cycle] = graph
        assert len(cycle) == count + 1
    else:
        assert isinstance(graph, Graph)
        assert len(graph.order) == count
