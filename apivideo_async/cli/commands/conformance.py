"""The command ``apivideo conformance``: checks the assumptions about the service."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ...config import BASE_URLS
from ...conformance.checking import Check
from ...conformance.observations import Observation, State
from ...conformance.options import CheckOptions
from ...conformance.report import ConformanceReport
from ...protocol.service_profile import ServiceProfile
from ..console.formatting import bytes_text
from ..console.terminal import Terminal, columns
from ..examples import examples
from ..parameters import SIZE, json_option
from ..running import run
from ..session import Session, connect

__all__ = ["command"]

Function = TypeVar("Function", bound=Callable[..., Any])

SECONDS = click.FloatRange(0)
HEADINGS = ("question", "documents", "assumed", "observed")
STYLES: dict[State, str] = {
    "agrees": "green",
    "differs": "bold yellow",
    "undetermined": "magenta",
    "not probed": "dim",
}
DEFAULTS = CheckOptions()


def _seconds(name: str, text: str) -> Callable[[Function], Function]:
    return click.option(
        f"--{name}",
        type=SECONDS,
        default=getattr(DEFAULTS, name),
        metavar="SECONDS",
        help=text,
    )


@click.command(
    name="conformance",
    epilog=examples(
        "apivideo --environment sandbox conformance --save",
        "apivideo conformance --largest 0 --window 0 --json",
    ),
)
@click.option("--save", is_flag=True, help="Save what was found for later commands.")
@json_option
@_seconds("settle", "Longest delay of a status, a list or a new video that is measured.")
@_seconds("late", "Time to look for a request whose connection was closed before its response.")
@_seconds(
    "window", "Longest wait for the end of a window of the rate limit; 0 skips this question."
)
@click.option(
    "--largest",
    type=SIZE,
    default=DEFAULTS.largest,
    show_default="64MiB",
    metavar="SIZE",
    help="Size of the largest request to try; 0 skips this question.",
)
@click.option(
    "--yes", is_flag=True, help="Do not ask before a check of the production environment."
)
@click.pass_obj
def command(session: Session, /, save: bool, as_json: bool, yes: bool, **given: Any) -> int:
    """Check how the service behaves where api.video's documents leave questions open.

    Use a key of the sandbox, or an emulator. The check creates about a dozen small videos and one
    live stream, and deletes them at the end, also after Ctrl-C. It needs about 15 uploads, 30
    writes and 30 reads, sends about 80 MiB (15 MiB with --largest 0), and takes about a minute.
    Without rate limit headers of the service, it sends up to 110 reads until one is refused. It
    first deletes the videos that a killed check has left, so run one check of an account at a time.

    Each question is shown with the documents, the assumption and the observation. With --save, the
    commands `upload`, `ingest` and `distributed worker` start with what was found, and
    `ServiceProfile.saved()` returns it. An interrupted check saves nothing.

    Exit code 0 if the check was complete, also if the service differs from the assumptions; 1 if it
    failed or a video could not be deleted.
    """
    base_url = session.settings.resolve().base_url
    if not yes and _is_production(base_url) and not _confirmed(session.terminal, base_url):
        session.terminal.fail("nothing was sent")
        return 1
    terminal = session.terminal
    options = CheckOptions(**given)
    reports: list[ConformanceReport] = []

    async def work() -> int:
        async with connect(session.settings, profile=ServiceProfile()) as client:
            check = Check(client, options, lambda text: terminal.say(text, style="dim"))
            try:
                report = await check.run()
            except asyncio.CancelledError:
                reports.append(check.report())
                _write(terminal, reports[0], as_json=as_json)
                raise
        _write(terminal, report, as_json=as_json)
        if save:
            path = report.save()
            terminal.say(f"saved in {path}; later commands for {base_url} start with it")
        return 1 if report.left else 0

    def interrupted() -> str:
        left = bool(reports and reports[0].left)
        deleted = (
            "the videos named above could not be deleted" if left else "the videos are deleted"
        )
        return f"interrupted; {deleted}" + ("; nothing was saved" if save else "")

    return run(terminal, work(), interrupted)


def _is_production(base_url: str) -> bool:
    """Return True for a host of api.video other than the sandbox."""
    host = urlsplit(base_url).hostname or ""
    own = host == "api.video" or host.endswith(".api.video")
    return own and host != urlsplit(BASE_URLS["sandbox"]).hostname


def _confirmed(terminal: Terminal, base_url: str) -> bool:
    question = f"{base_url} is no sandbox. Create and delete videos in this account?"
    confirmed = terminal.confirm(question)
    if confirmed is None:
        raise click.UsageError(
            f"a check of {base_url}, which is no sandbox, needs a confirmation, but the standard "
            "input is not a terminal: add --yes"
        )
    return confirmed


def _write(terminal: Terminal, report: ConformanceReport, *, as_json: bool) -> None:
    if as_json:
        terminal.report_json(report.to_json())
    elif sys.stdout is not None and sys.stdout.isatty():
        terminal.draw(lambda width: Group(*_tables(report.observations)))
    else:
        for one in report.observations:
            cells = (one.assumption.question, one.assumption.documents, one.assumption.assumed)
            terminal.report(columns(one.state, one.quirk or "", *cells, _observed(one)))
    terminal.say(_summary(report))
    if report.left:
        terminal.note(f"these objects could not be deleted: {', '.join(report.left)}")


def _observed(observation: Observation) -> str:
    """Return the observation, with the adaptation and the setting if the service differs."""
    text, assumption = observation.text, observation.assumption
    if observation.state == "differs":
        text += f" The client adapts: {assumption.adaptation}" if assumption.adaptation else ""
        text += f" Setting: {assumption.setting}." if assumption.setting else ""
    return text


def _tables(observations: Iterable[Observation]) -> Iterator[Table]:
    """Yield a table for each subject."""
    subjects: dict[str, list[Observation]] = {}
    for observation in observations:
        subjects.setdefault(observation.subject, []).append(observation)
    for subject, rows in subjects.items():
        table = Table(
            title=subject,
            title_justify="left",
            title_style="bold",
            box=None,
            padding=(0, 2, 1, 0),
            expand=True,
        )
        table.add_column("", no_wrap=True)
        for heading in HEADINGS:
            table.add_column(heading, ratio=2 if heading == "observed" else 1, overflow="fold")
        for one in rows:
            row = one.assumption
            state = Text(one.state, style=STYLES[one.state])
            quirk = (f"{one.quirk}\n", STYLES["differs"]) if one.quirk else ""
            observed = Text.assemble(quirk, _observed(one))
            table.add_row(state, row.question, row.documents, row.assumed, observed)
        yield table


def _summary(report: ConformanceReport) -> str:
    states = Counter(observation.state for observation in report.observations)
    differ = "differs" if states["differs"] == 1 else "differ"
    differing = f" ({', '.join(report.quirks)})" if report.quirks else ""
    requests = ", ".join(f"{count} {name}" for name, count in sorted(report.requests.items()))
    return (
        f"{states['agrees']} questions agree, {states['differs']} {differ}{differing}, "
        f"{states['undetermined']} could not be determined, {states['not probed']} were not "
        f"probed; {requests or 'no requests'}, {bytes_text(report.bytes_sent)} in "
        f"{report.seconds:.0f} s"
    )
