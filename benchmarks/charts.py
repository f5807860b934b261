"""Draws docs/charts/*.svg from the last full run.

The charts show throughput against concurrency and memory against file size. The same figures
give the same bytes: the files hold no dates, and the salt for their internal names is fixed.
"""

import statistics
from collections import defaultdict

import matplotlib as mpl

# This must precede the import of pyplot.
mpl.use("svg")

from harness.measuring import HERE
from harness.results import RESULTS, load
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

CHARTS = HERE.parent / "docs" / "charts"
INK, GRID = "#444444", "#dddddd"
BLUE, ORANGE, GREY = "#1f6feb", "#d9730d", "#8a8a8a"
STYLE = {
    "svg.hashsalt": "apivideo-async",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GRID,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 5,
}

SCENARIOS = {
    "capped": "12.5 MB/s for each connection",
    "shared": "25 MB/s each, 100 MB/s together",
    "lossy": "12.5 MB/s each, connections cut off",
    "crowded": "25 MB/s each, 503 above five in flight",
}

Points = dict[str, dict[float, float]]


def medians(rows: list[tuple[str, float, float]]) -> Points:
    """Convert rows (series, x, y) to the median y for each x of each series, sorted by x."""
    found: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for series, x, y in rows:
        found[series][x].append(y)
    return {
        name: {x: statistics.median(ys) for x, ys in sorted(points.items())}
        for name, points in found.items()
    }


def throughput() -> tuple[Points, dict[str, float]]:
    """Return MiB/s by scenario and concurrency, and MiB/s of the automatic choice by scenario."""
    fixed, automatic = [], []
    for row in load(RESULTS / "auto_concurrency.csv"):
        size, choice = float(row["mib"]), row["client"].rpartition(", ")[2]
        if row["sending"] == "inf":  # The upload failed.
            continue
        if row["case"] not in SCENARIOS:
            continue
        point = (
            SCENARIOS[row["case"]],
            0.0 if choice == "auto" else float(choice),
            size / float(row["sending"]),
        )
        (automatic if choice == "auto" else fixed).append(point)
    return medians(fixed), {name: points[0.0] for name, points in medians(automatic).items()}


def memory() -> Points:
    """Return the peak memory in MiB by client and file size."""
    names = {"pull": "this package, from a file", "push": "this package, from an async iterator"}
    rows = []
    for row in load(RESULTS / "memory.csv"):
        who, _, size = row["client"].rpartition(" ")
        rows.append((names.get(who, who), float(size), float(row["peak"])))
    return medians(rows)


def draw(axes: Axes, points: Points, colours: list[str]) -> None:
    # Leave space for the legend.
    axes.set_ylim(0, 1.3 * max(max(series.values()) for series in points.values()))
    for (name, series), colour in zip(points.items(), colours, strict=False):
        axes.plot(list(series), list(series.values()), "o-", color=colour, label=name)


def save(name: str) -> None:
    CHARTS.mkdir(parents=True, exist_ok=True)
    plt.tight_layout()
    plt.savefig(CHARTS / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close()


def draw_throughput() -> None:
    fixed, automatic = throughput()
    colours = [BLUE, ORANGE, "#2e8b57", "#8250df"]
    _, axes = plt.subplots(figsize=(6.4, 3.6))
    draw(axes, fixed, colours)
    for name, colour in zip(fixed, colours, strict=False):
        if name in automatic:
            axes.axhline(automatic[name], color=colour, linewidth=1, linestyle=(0, (4, 3)))
    axes.set(
        title="Throughput by chunks in flight",
        xlabel="chunks in flight (dashed: automatic)",
        ylabel="MiB/s",
    )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.legend(fontsize="small", ncols=2, loc="upper left")
    save("throughput")


def draw_memory() -> None:
    _, axes = plt.subplots(figsize=(6.4, 3.6))
    draw(axes, memory(), [BLUE, ORANGE, GREY])
    axes.set(title="Peak memory of the process by file size", xlabel="file", ylabel="MiB")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda mib, _: f"{mib / 1024:g} GiB" if mib >= 1024 else f"{mib:g} MiB")
    )
    axes.legend(fontsize="small", loc="upper left")
    save("memory")


def main() -> None:
    with plt.rc_context(STYLE):
        draw_throughput()
        draw_memory()


if __name__ == "__main__":
    main()
