"""The members that pythonnet suggests for a misspelt one.

Source: ``ClassBase.ComputeSimilarMemberNames`` and ``Util.JaroWinklerSimilarity`` of QuantConnect's pythonnet fork: the
names most alike (at least 0.87 by Jaro and Winkler), then those that contain the name or are contained in it, of the
kind (method or data) of the best one, five at most.
"""

from __future__ import annotations

from harness.embedded.lean_members import MEMBERS

_ALIKE = 0.87
_MOST = 5
_LEAST_FRAGMENT = 3
_CALLABLE, _DATA = 1, 2


def lean_name(class_name: str, target: type) -> str:
    """What Lean calls instances: a user's class by its own name, others by the class that Lean makes."""
    if not target.__module__.startswith("harness.embedded") or class_name not in MEMBERS:
        return target.__name__
    return MEMBERS[class_name][0]


def hint(class_name: str, target: type, name: str) -> str:
    """`` Did you mean: 'a', 'b'?`` or nothing."""
    if name.startswith("__"):
        return ""
    scored = []
    for member, kind in _candidates(class_name, target).items():
        score = _similarity(name, member)
        if score < _ALIKE:
            score = min(len(name), len(member)) / max(len(name), len(member)) if _contains(name, member) else 0.0
        if score > 0:
            scored.append((-score, member.lower(), member, kind))
    if not scored:
        return ""
    scored.sort()
    best = scored[0][3]
    suggested = [f"'{member}'" for _, _, member, kind in scored if kind & best][:_MOST]
    return f" Did you mean: {', '.join(suggested)}?"


def _candidates(class_name: str, target: type) -> dict[str, int]:
    if class_name in MEMBERS:
        _, methods, data = MEMBERS[class_name]
        found = dict.fromkeys(methods.split(), _CALLABLE)
        for name in data.split():
            found[name] = found.get(name, 0) | _DATA
        return found
    return {
        name: _CALLABLE if callable(getattr(target, name, None)) else _DATA for name in dir(target) if name[0].islower()
    }


def _contains(name: str, member: str) -> bool:
    low, other = name.lower(), member.lower()
    if len(name) >= _LEAST_FRAGMENT and low in other:
        return True
    return len(member) >= _LEAST_FRAGMENT and 2 * len(member) >= len(name) and other in low


def _similarity(first: str, second: str) -> float:
    """Jaro's similarity, raised by Winkler for a common beginning of up to four letters."""
    first, second = first.lower(), second.lower()
    jaro = _jaro(first, second)
    prefix = 0
    while prefix < min(4, len(first), len(second)) and first[prefix] == second[prefix]:
        prefix += 1
    return jaro + prefix * 0.1 * (1 - jaro)


def _jaro(first: str, second: str) -> float:
    if first == second:
        return 1.0
    n, m = len(first), len(second)
    window = max(0, max(n, m) // 2 - 1)
    first_matched, second_matched = [False] * n, [False] * m
    matches = 0
    for i in range(n):
        for j in range(max(0, i - window), min(m, i + window + 1)):
            if not second_matched[j] and first[i] == second[j]:
                first_matched[i] = second_matched[j] = True
                matches += 1
                break
    if not matches:
        return 0.0
    left = [letter for letter, matched in zip(first, first_matched, strict=True) if matched]
    right = [letter for letter, matched in zip(second, second_matched, strict=True) if matched]
    transpositions = sum(a != b for a, b in zip(left, right, strict=True)) // 2
    return (matches / n + matches / m + (matches - transpositions) / matches) / 3
