"""The command `toonlab vote`."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toonlab import ToonlabError

if TYPE_CHECKING:
    from toonlab import Poll

LOCAL = "127.0.0.1"
SECONDS = 3.0  # of an answer, about
CROWDS = (3, 5, 10, 20, 40)  # raters of the plan's table


def vote(
    study: Annotated[str, typer.Argument(help="The study's name, or the path of its experiment's file.")],
    runs: Annotated[Path, typer.Option(help="Folder of all studies.")] = Path("runs"),
    questions: Annotated[
        Path | None, typer.Option(help="A YAML file of questions; else: more like a cartoon? keeps the scene? overall?")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, max=1000, help="Pairs of pictures for each rater.")] = 40,
    plan: Annotated[
        float | None,
        typer.Option(metavar="POINTS", help="Tell how many votes ± so many percentage points take, and stop."),
    ] = None,
    lan: Annotated[
        bool, typer.Option("--lan", help="Answer to the local network, too, at an address with a random token.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8766,
) -> None:
    """Ask people which pictures of a study they prefer: blinded pairs in the browser, votes in votes.jsonl."""
    from toonlab import Poll

    if plan is not None and not 0 < plan < 50:
        raise ToonlabError(f"--plan {plan:g}: expected percentage points between 0 and 50, such as 10")
    if plan is None:
        _require_app()
    poll = Poll(study, runs, questions)
    if plan is not None:
        print(*planned(poll, plan, pairs), sep="\n")
        return
    serve(poll, pairs, port, lan=lan)


def _require_app() -> None:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ToonlabError(f"{error.name} is not installed; pip install 'toonlab[app]'") from error


def planned(poll: Poll, points: float, pairs: int) -> list[str]:
    """How many pairs a precision takes, for crowds of several sizes; and the precision of `pairs` for each rater."""
    lines = [
        f"{poll.name}: {len(poll.methods)} methods, {len(poll.photos)} photos, {len(poll.questions)} questions",
        f"pairs that each rater judges, for a 95 % interval of ± {points:g} points between two methods that are alike:",
    ]
    for raters in CROWDS:
        needed = poll.pairs_needed(points / 100, raters)
        text = "no number is enough" if needed is None else f"{needed} pairs, {_minutes(poll, needed)}"
        reached = 100 * poll.precision(raters, pairs)
        lines.append(f"  {raters:2} raters: {text:34} ({pairs} pairs: ± {reached:.0f} points)")
    least = 100 * poll.precision(10**6, 10**6)
    lines.append(
        f"{len(poll.photos)} photos alone leave ± {least:.0f} points, however many vote; "
        "evaluate.grid=N keeps the pictures of N photos of each run"
    )
    return lines


def _minutes(poll: Poll, pairs: int) -> str:
    return f"{max(1, round(pairs * 1.15 * len(poll.questions) * SECONDS / 60))} min each"


def serve(poll: Poll, pairs: int, port: int, *, lan: bool) -> None:
    """Take votes until the command is ended.

    Raises:
        ToonlabError: if the port is taken, or another process takes votes.
    """
    import uvicorn

    from .server import Voting

    with poll.opened(), _listening("0.0.0.0" if lan else LOCAL, port) as listener:
        token, port = secrets.token_urlsafe(9) if lan else "", listener.getsockname()[1]
        voting = Voting(poll, pairs)
        voting.check_pictures()
        votes, raters = len(poll.votes()), len({each.rater for each in poll.votes()})
        print(f"{poll.path}: {votes} votes of {raters} raters so far")
        print(
            f"{pairs} pairs, {_minutes(poll, pairs)}; of 5 raters: ± {100 * poll.precision(5, pairs):.0f} points for "
            "each question (--plan POINTS tells more)"
        )
        where = f"http://{_own_address() if lan else LOCAL}:{port}/{token}{'/' if token else ''}"
        print(f"{where} takes votes; Ctrl+C ends this", flush=True)
        hosts = () if lan else (LOCAL, "localhost")
        application = voting.application(token, hosts)
        config = uvicorn.Config(application, log_level="warning", access_log=False, server_header=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ToonlabError(
            f"--port {port}: can't be used: {error.strerror}; give another, or 0 for a free one"
        ) from error
    return listener


def _own_address() -> str:
    """This machine's address in the local network; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
            return str(probe.getsockname()[0])
        except OSError:  # no network
            return socket.gethostname()
