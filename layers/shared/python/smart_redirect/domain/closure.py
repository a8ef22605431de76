"""Closure: a context may be answered only if it is loaded on the host that asks."""

from smart_redirect.domain.enterprise import ContextTrust, Enterprise, Extension, Host, Line


def is_loaded(enterprise: Enterprise, host: Host | None, extension: Extension, line: Line) -> bool:
    """Tell whether the extension's first context on this line is loaded where the call is.

    A host that could not be told stands for all hosts of the enterprise: the context must be on each.
    """
    if line.id not in enterprise.pooled_lines:
        return False
    if host is not None:
        return _has(host, extension, line)
    hosts = enterprise.hosts.values()
    return bool(hosts) and all(_has(each, extension, line) for each in hosts)


def _has(host: Host, extension: Extension, line: Line) -> bool:
    if host.trust is ContextTrust.RULES:
        return line.enabled
    if host.trust is ContextTrust.NAMES_ONLY or host.loaded is None:
        return False
    if not host.loaded.holds(extension.internal_id, line.id):
        return False
    return host.announced is None or host.announced.holds(extension.internal_id, line.id)
