"""Schemes into contexts: which node is a context of which name, and what each node does."""

from collections.abc import Iterator

from smart_redirect.domain.dialplan import text
from smart_redirect.domain.dialplan.findings import Findings, Kind
from smart_redirect.domain.dialplan.graph import Graph, Greeting, Menu, Node, SchemeKind, Start
from smart_redirect.domain.dialplan.model import Scheme
from smart_redirect.domain.dialplan.plan import Context


def start_of(scheme: Scheme) -> str | None:
    """Return the context in which a call enters this scheme: its first node that does something."""
    start = scheme.graph.start()
    first = meaningful(scheme.graph, start.id) if start and not scheme.graph.problems else None
    return context_name(scheme, first) if first else None


def context_name(scheme: Scheme, node: Node) -> str:
    """Name a node's context as the hosts in service have it."""
    return text.short_hash(f"{scheme.id}-{node.id}")


def passes_through(node: Node) -> bool:
    """Tell whether a call only passes this node: the start, a greeting without a sound, a menu with one way out."""
    content = node.content
    return (
        isinstance(content, Start)
        or (isinstance(content, Greeting) and not content.sound)
        or (isinstance(content, Menu) and content.passes)
    )


def meaningful(graph: Graph, node_id: str) -> Node | None:
    """Return this node, or the first behind it that does something; None when there is none."""
    seen: set[str] = set()
    node = graph.nodes.get(node_id)
    while node is not None and passes_through(node):
        if node.id in seen or not node.outputs:
            return None
        seen.add(node.id)
        node = graph.nodes.get(node.outputs[0].target)
    return node


def reachable(scheme: Scheme) -> Iterator[Node]:
    """Yield the nodes that calls can get to and that do something, each once, nearest first."""
    start = scheme.graph.start()
    waiting = [start.id] if start else []
    seen: set[str] = set()
    for node_id in waiting:
        node = meaningful(scheme.graph, node_id)
        if node is None or node.id in seen:
            continue
        seen.add(node.id)
        yield node
        waiting += [output.target for output in node.outputs]


def usable(scheme: Scheme, found: Findings) -> bool:
    """Tell whether this scheme can be written; what keeps it from that is noted."""
    for problem in scheme.graph.problems:
        row = f"{scheme.row}, node {problem.node!r}" if problem.node else scheme.row
        found.error(Kind.SCHEME, row, problem.text)
    return not scheme.graph.problems


def unique(contexts: list[Context]) -> tuple[Context, ...]:
    """Sort contexts by name; two of one name stay, for the validation to name both."""
    return tuple(sorted(contexts, key=lambda context: (context.name, context.origin)))


def of_kind(schemes: tuple[Scheme, ...], kind: SchemeKind) -> dict[str, Scheme]:
    """Return the schemes of one kind by id."""
    return {
        scheme.id: scheme
        for scheme in sorted(schemes, key=lambda each: (each.id, each.name, repr(each.graph)))
        if scheme.kind is kind
    }
