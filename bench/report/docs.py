"""Puts the figures of a run into README.md and docs/PERFORMANCE.md, between their marks, and the
plots into docs/performance."""
import re
import shutil
import textwrap

from measure.parts import ROOT
from report import table

BETWEEN = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", re.S)


def _fill(path, text):
    page = path.read_text()
    filled, count = BETWEEN.subn(lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page)
    if count != 1:
        raise SystemExit(f"bench: {path.name} has no place for the figures")
    path.write_text(filled)


# The figures of the README's one screen; the first row of each that has a verdict.
SHORT = ("CPU per accepted payment, TCP", "CPU per payment, accept to recorded",
         "Redis CPU per payment", "booked, all on the same cores",
         "p99 of POST through HAProxy, 550 users")


def _short(rows):
    """Five figures, without the peers."""
    lines = ["| figure | Tollgate | target | |", "|---|---|---|---|"]
    wanted = list(SHORT)
    for row in rows:
        cells = table.cells(row, ())
        if row["met"] is not None and cells[0] in wanted:
            wanted.remove(cells[0])
            lines.append("| " + " | ".join([cells[0], cells[1], cells[3], cells[4]]) + " |")
    return "\n".join(lines)


def _machine(about):
    guest = "a virtual machine" if about["hypervisor"] else "a machine"
    text = (f"On {guest} with {about['cores']} cores of an {about['cpu']}, Linux {about['kernel']},"
            f" Redis {about['redis']}, {about['haproxy']}, nginx {about['nginx']}. "
            f"Load average before the run: {about['load_average_at_start']}")
    if about["load_average_at_start"] > 1:
        text += (", so other work ran beside it: the ratios and the CPU times say something, the "
                 "latencies and the payments per second little")
    return text + "."


def write(about, rows, names, results):
    command = ("`BENCH=quick make bench`" if about["size"] == "quick" else "`make bench`")
    intro = textwrap.fill(f"By {command}. {_machine(about)}", 100)
    plots = ROOT / "docs" / "performance"
    plots.mkdir(exist_ok=True)
    shown = []
    for name in names:
        shutil.copy(results / f"{name}.svg", plots / f"{name}.svg")
        shown.append(f"![{name}](performance/{name}.svg)")
    _fill(ROOT / "docs" / "PERFORMANCE.md",
          f"{intro}\n\n{table.markdown(rows)}\n\n" + "\n".join(shown))
    _fill(ROOT / "README.md", f"{intro}\n\n{_short(rows)}")
