"""One SVG per table: bars of medians with the spread over the rounds, and lines for what grows."""
import statistics

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "tollgate", "font.size": 9, "axes.grid": True,
                            "axes.axisbelow": True, "grid.alpha": 0.3, "axes.spines.top": False,
                            "axes.spines.right": False})
from matplotlib import pyplot  # noqa: E402

OURS, PEER, SPREAD = "#2a6f97", "#b0b7bf", "#333333"


def _bars(axes, title, unit, bars, limit=None, limit_text=""):
    """bars: (label, values of the rounds, ours?)"""
    for place, (_, values, ours) in enumerate(bars):
        middle = statistics.median(values)
        axes.bar(place, middle, color=OURS if ours else PEER, width=0.7)
        axes.errorbar(place, middle, yerr=[[middle - min(values)], [max(values) - middle]],
                      color=SPREAD, capsize=3, linewidth=1)
        axes.annotate(f"{middle:,.1f}" if middle < 100 else f"{middle:,.0f}",
                      (place, max(values)), ha="center", va="bottom", fontsize=8,
                      xytext=(0, 2), textcoords="offset points")
    if limit is not None:
        axes.axhline(limit, color="#c1121f", linewidth=1, linestyle="--", label=limit_text)
        axes.legend(loc="upper right", fontsize=8, framealpha=0.9)
    axes.set_xticks(range(len(bars)), [label for label, _, _ in bars])
    axes.set_title(title, loc="left")
    axes.set_ylabel(unit)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.25)


def _save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def _panels(count, height=3.2):
    return pyplot.subplots(1, count, figsize=(4.2 * count, height), squeeze=False)


def accept(rounds, path):
    figure, panels = _panels(2)
    for axes, (over, label) in zip(panels[0], (("tcp", "TCP"), ("unix", "Unix socket"))):
        names = (("Tollgate", "gateway"), ("bare loop", "floor"), ("nginx", "nginx"),
                 ("HAProxy", "haproxy"))
        bars = [(label_, [r[over][key]["us"] for r in rounds], key == "gateway")
                for label_, key in names]
        floor = statistics.median(r[over]["floor"]["us"] for r in rounds)
        _bars(axes, f"CPU per accepted payment, {label}", "µs", bars, 1.4 * floor,
              "1.4 × bare loop")
    return _save(figure, path)


def forward(rounds, path):
    figure, panels = _panels(3)
    kinds = [k for k in ("gateway", "original") if all(k in r for r in rounds)]
    names = {"gateway": "Tollgate", "original": "original"}
    for axes, (key, title, unit, limit) in zip(panels[0], (
            ("gateway_us", "Gateway's CPU per payment", "µs", 30),
            ("redis_us", "Redis' CPU per payment", "µs", 10),
            ("booked_per_second", "Booked per second", "", None))):
        bars = [(names[k], [r[k][key] for r in rounds], k == "gateway") for k in kinds]
        _bars(axes, title, unit, bars, limit, f"{limit} µs")
    return _save(figure, path)


def _quantiles(rounds, path, left, right, limit_factor):
    """left, right: (label, key in a round); the limit is limit_factor times right's p99."""
    figure, panels = _panels(3)
    for axes, quantile in zip(panels[0], ("p50_us", "p99_us", "p99.9_us")):
        bars = [(label, [r[key][quantile] / 1e3 for r in rounds], key == left[1])
                for label, key in (left, right)]
        limit = limit_factor * statistics.median(bars[1][1]) if quantile == "p99_us" else None
        _bars(axes, quantile[:-3] + " of POST /payments", "ms", bars, limit,
              f"{limit_factor} × {right[0].splitlines()[0]}")
    return _save(figure, path)


def latency(rounds, path):
    return _quantiles(rounds, path, ("two gateways\nbehind HAProxy", "gateway"),
                      ("two bare loops\nbehind HAProxy", "floor"), 1.0)


def drain(rounds, path):
    return _quantiles(rounds, path, ("draining", "draining"), ("idle", "idle"), 2)


def books(rounds, path):
    figure, panels = _panels(3)
    first = rounds[0]
    labels = {"few": f"{first['few_payments']:,}", "many": f"{first['many_payments']:,}"}
    for axes, which, title in ((panels[0][0], "all", "Summary of all time"),
                               (panels[0][1], "audit", "Summary of 13 s")):
        bars = [(f"{text}\n{where}", [r["sizes"][size]["summary"][which][key] for r in rounds],
                 key == "wall_us")
                for key, where in (("wall_us", "client"), ("redis_us", "Redis"))
                for size, text in labels.items()]
        _bars(axes, title + ", by payments", "µs", bars)
    bars = [(text, [r["sizes"][size]["bytes_per_payment"] for r in rounds], True)
            for size, text in labels.items()]
    _bars(panels[0][2], "Redis' memory per payment", "bytes", bars, 100, "100 bytes")
    return _save(figure, path)


def memory(rounds, path):
    figure, panels = _panels(1)
    bars = [(label, [r[key] for r in rounds], True)
            for label, key in (("fresh", "fresh_mb"), ("64k slots used", "rss_mb"),
                               ("of it anonymous", "anonymous_mb"))]
    _bars(panels[0][0], "Resident memory", "MB", bars, 16, "16 MB")
    return _save(figure, path)


def alone(rounds, path):
    figure, panels = _panels(1)
    bars = [(label, [r[key] for r in rounds], True)
            for label, key in (("p50", "p50_ms"), ("p90", "p90_ms"))]
    _bars(panels[0][0], "A payment alone: accept to booked", "ms", bars, 5, "5 ms")
    return _save(figure, path)


def allocations(rounds, path):
    figure, panels = _panels(1)
    bars = [(label, [r[key] for r in rounds], key == "ours")
            for label, key in (("Tollgate", "ours"), ("libcurl, TLS", "curl"),
                               ("hiredis", "hiredis"))]
    _bars(panels[0][0], "Allocations per payment", "", bars)
    return _save(figure, path)


def micro(rounds, path):
    figure, axes = pyplot.subplots(figsize=(7, 4.4))
    names = list(rounds[0])[::-1]
    for place, name in enumerate(names):
        middle = statistics.median(r[name] for r in rounds)
        axes.barh(place, middle, color=PEER if "moodycamel" in name else OURS)
        axes.annotate(f"{middle:,.1f}", (middle, place), va="center", fontsize=8, xytext=(3, 0),
                      textcoords="offset points")
    axes.set_yticks(range(len(names)), names)
    axes.set_title("Steps of a payment's way, and the ring against moodycamel's queue", loc="left")
    axes.set_xlabel("ns")
    axes.grid(axis="y", visible=False)
    return _save(figure, path)


def _line(axes, rounds, group, series, title, label):
    """series: (key, label) of each measured thing, over the numbers in a group."""
    numbers = sorted(rounds[0][group], key=int)
    for key, text in series:
        middle = [statistics.median(r[group][n][key] for r in rounds) for n in numbers]
        axes.plot([int(n) for n in numbers], middle, marker="o", label=text)
    axes.set_xscale("log", base=2 if int(numbers[-1]) < 10 else 10)
    axes.set_xticks([int(n) for n in numbers], [f"{int(n):,}" for n in numbers])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_title(title, loc="left")
    axes.set_xlabel(label)
    axes.set_ylabel("µs of CPU per payment")
    axes.legend(frameon=False)


def scale(rounds, path):
    figure, panels = pyplot.subplots(2, 2, figsize=(9.6, 6.6))
    _line(panels[0][0], rounds, "acceptors", (("us", "acceptors"), ("process_us", "process")),
          "Accepting", "acceptors")
    _line(panels[0][1], rounds, "connections",
          (("us", "acceptors"), ("process_us", "process"), ("floor_us", "bare loop")),
          "Accepting", "open connections")
    whole = (("gateway_us", "gateway"), ("redis_us", "Redis"))
    _line(panels[1][0], rounds, "workers", whole, "Accept to recorded",
          "acceptors, and as many workers")
    _line(panels[1][1], rounds, "backlog", whole, "Accept to recorded", "backlog")
    return _save(figure, path)
