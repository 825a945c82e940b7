"""A verdict as people read it in events: which metric, what value, what was wanted, what held."""

from __future__ import annotations

from fairlead.core.scaling.verdict import Opinion, Verdict


def reason(verdict: Verdict) -> str:
    """Why it is this count."""
    winner = next((o for o in verdict.opinions if o.metric == verdict.winner), None)
    parts = [opinion(winner) if winner else verdict.winner]
    if verdict.desired != verdict.count:
        parts.append(f"{verdict.desired} wanted")
    if verdict.held:
        parts.append(f"held by {', '.join(verdict.held)}")
    return "; ".join(part for part in parts if part) or "nothing asks for another count"


def opinion(of: Opinion) -> str:
    value = "unknown" if of.value is None else f"{of.value:.4g}"
    target = f" (target {of.target:.4g})" if of.target else ""
    why = f", {of.why}" if of.why else ""
    return f"{of.metric} {value}{target}{why}"


def refusal(verdict: Verdict, wanted: int) -> str:
    """What was wanted and is not done, or nothing; without the numbers that change all the time it
    is the same refusal as before (`same`)."""
    if verdict.desired == wanted or verdict.count != wanted:
        return ""
    return f"stays at {wanted}: {reason(verdict)}"


def same(message: str) -> str:
    """What tells one refusal from another: its words."""
    return "".join(c for c in message if not (c.isdigit() or c in ".-+"))
