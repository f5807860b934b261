"""Writes results: every run as a CSV row, every goal as a row of a Markdown table."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .measuring import HERE, QUICK, Spread, Usage

RESULTS = HERE / "results" / ("quick" if QUICK else "full")
GOALS = ".goals.csv"


@dataclass(frozen=True)
class Goal:
    """One row of the table. ``wanted`` is a limit such as ``<= 1.25`` or ``>= 0.8``."""

    number: str
    measure: str
    value: Spread | None
    wanted: str
    note: str = ""

    @property
    def reached(self) -> str:
        """Compare the median with the limit. A goal without a value is not a failure."""
        if self.value is None:
            return "not measured"
        sign, limit = self.wanted.split()
        holds = (
            self.value.median <= float(limit) if sign == "<=" else self.value.median >= float(limit)
        )
        return "yes" if holds else "no"

    def row(self) -> dict[str, str]:
        value = "-" if self.value is None else str(self.value)
        shown = {
            "goal": self.number,
            "measure": self.measure,
            "median (min-max)": value,
            "wanted": self.wanted,
        }
        return shown | {"reached": self.reached, "beside": self.note}


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Format rows as a Markdown table."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(row.values()) + " |" for row in rows)])


def runs(case: str, measured: Mapping[str, Sequence[Usage]]) -> list[dict[str, object]]:
    """Convert the measurements of one case to rows, one for each run."""
    rows: list[dict[str, object]] = []
    for name, usages in measured.items():
        for number, usage in enumerate(usages, 1):
            figures = {
                key: round(value, 4) for key, value in asdict(usage).items() if key != "said"
            }
            rows.append({"case": case, "client": name, "run": number} | figures | usage.said)
    return rows


def save(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def load(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def publish(script: str, rows: Sequence[Mapping[str, object]], goals: Iterable[Goal]) -> None:
    """Write the results of a script and print its part of the table."""
    name = Path(script).stem
    found = [goal.row() for goal in goals]
    save(RESULTS / f"{name}.csv", rows)
    save(RESULTS / f"{name}{GOALS}", found)
    print(table(found))
