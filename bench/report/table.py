"""Medians over the rounds, held against the targets, as rows and as a drawn table."""
import statistics

from report.targets import ROWS

PEERS = {"floor": "bare loop", "nginx": "nginx 202", "haproxy": "HAProxy 202",
         "original": "original", "moodycamel": "moodycamel"}


def _over(function, rounds):
    """The function of every round; nothing if the rounds have no such thing."""
    try:
        return [function(r) for r in rounds]
    except KeyError:
        return []


def _held(row, ours, limits):
    """By the median of each round's own ratio, as rounds differ more than their parts."""
    if not limits:
        return None
    if row.more_is_better:
        return statistics.median(o / l for o, l in zip(ours, limits)) >= 1
    if 0 in limits:
        return max(ours) <= 0
    return statistics.median(o / l for o, l in zip(ours, limits)) <= 1


def rows(data):
    """[{"what", "unit", "median", "min", "max", "target", "limit", "met", "peers"}]"""
    result = []
    for row in ROWS:
        rounds = data.get(row.figure) or []
        ours = _over(row.ours, rounds)
        if not ours:
            continue
        limits = _over(row.limit, rounds) if row.limit else []
        peers = {name: statistics.median(values) for name, function in row.peers.items()
                 if (values := _over(function, rounds))}
        result.append({
            "figure": row.figure, "what": row.what, "unit": row.unit, "rounds": len(ours),
            "median": statistics.median(ours), "min": min(ours), "max": max(ours),
            "target": row.target, "limit": statistics.median(limits) if limits else None,
            "met": _held(row, ours, limits), "peers": peers})
    return result


def number(value):
    """Three digits that matter, or whole."""
    if value is None:
        return ""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cells(row, shown_peers):
    """Of a line of the table, as texts."""
    verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
    target = row["target"]
    if row["target"] and row["limit"] is None:
        verdict = "no peer"
    elif any(c in target for c in "×/'"):
        target += f" = {number(row['limit'])}"
    return [row["what"], f"{number(row['median'])} {row['unit']}".strip(),
            f"{number(row['min'])} … {number(row['max'])}", target, verdict,
            *(number(row["peers"].get(name)) for name in shown_peers)]


def _laid_out(all_rows):
    shown = [name for name in PEERS if any(name in row["peers"] for row in all_rows)]
    head = ["figure", "Tollgate", "least … most", "target", "", *(PEERS[name] for name in shown)]
    return head, [cells(row, shown) for row in all_rows]


def markdown(all_rows):
    """For docs/PERFORMANCE.md."""
    head, lines = _laid_out(all_rows)
    ruler = ["---"] * len(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ruler, *lines])


def drawn(all_rows):
    """A table of box-drawing characters; a line between the figures."""
    head, lines = _laid_out(all_rows)
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]

    def rule(left, middle, right):
        return left + middle.join("─" * (w + 2) for w in widths) + right

    def text(cells):
        left = {0, 3, 4}
        return "│" + "│".join(
            f" {c:<{w}} " if i in left else f" {c:>{w}} "
            for i, (c, w) in enumerate(zip(cells, widths))) + "│"
    out = [rule("┌", "┬", "┐"), text(head)]
    for i, line in enumerate(lines):
        if i == 0 or all_rows[i]["figure"] != all_rows[i - 1]["figure"]:
            out.append(rule("├", "┼", "┤"))
        out.append(text(line))
    return "\n".join([*out, rule("└", "┴", "┘")])
