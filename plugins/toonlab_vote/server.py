"""The server of a vote: a page, the trials of each rater as JSON, pictures under names that say nothing."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from toonlab import Poll, Vote

from .pictures import effect, sent
from .trials import EFFECT, Trial, plan

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

PAGE = Path(__file__).parent / "page"
FILES = {"": "text/html", "vote.css": "text/css", "vote.js": "text/javascript"}
LARGEST = 2000  # bytes of a request
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CODE = re.compile(Poll.RATER)


class BadRequestError(Exception):
    """A request that the page does not make; the text says what is wrong with it."""


class Rater:
    """A rater's trials as a list of steps, a question of a trial each; `place` is the step that is asked next."""

    def __init__(self, code: str, poll: Poll, pairs: int) -> None:
        self.code = code
        self.trials = plan(code, poll.methods, poll.photos, poll.questions, pairs)
        self.steps = [(number, name) for number, trial in enumerate(self.trials) for name in trial.questions]
        given = {(vote.trial, vote.question) for vote in poll.votes(code)}
        self.place = next((n for n, step in enumerate(self.steps) if step not in given), len(self.steps))


class Voting:
    """A poll that is open: what raters are told, and what they answer.

    Args:
        pairs: that each rater is asked for.
    """

    def __init__(self, poll: Poll, pairs: int) -> None:
        self.poll, self.pairs = poll, pairs
        self._raters, self._pictures = dict[str, Rater](), dict[str, tuple[str, str]]()
        self._secret, self._lock = secrets.token_bytes(16), Lock()

    def rater(self, code: object) -> Rater:
        """The rater of a code, who is new or comes back."""
        code = code.strip().lower() if isinstance(code, str) else ""
        if not _CODE.fullmatch(code):
            raise BadRequestError("A code has up to 20 letters a-z, digits and hyphens.")
        if code not in self._raters:
            self._raters[code] = Rater(code, self.poll, self.pairs)
        return self._raters[code]

    def state(self, code: object) -> dict[str, Any]:
        """What the page shows a rater next."""
        with self._lock:
            return self._state(self.rater(code))

    def _state(self, rater: Rater) -> dict[str, Any]:
        told = {"rater": rater.code, "step": rater.place, "steps": len(rater.steps)}
        if rater.place == len(rater.steps):
            return {**told, "finished": True}
        number, name = rater.steps[rater.place]
        following = rater.trials[number + 1 : number + 2]
        return {
            **told,
            "question": self.poll.questions[name].text,
            "pictures": self._names(rater, number, rater.trials[number]),
            "next": [url for trial in following for url in self._names(rater, number + 1, trial).values()],
        }

    def _names(self, rater: Rater, number: int, trial: Trial) -> dict[str, str]:
        """Addresses of a trial's pictures, which are new in each trial, so that they tell nothing."""
        found = {}
        for place, label in (("photo", None), ("left", trial.left), ("right", trial.right)):
            text = f"{rater.code} {number} {place}".encode()
            name = hmac.digest(self._secret, text, "sha256").hex()[:24]
            self._pictures[name] = trial.photo, self._file(trial, label)
            found[place] = f"picture/{name}"
        return found

    @staticmethod
    def _file(trial: Trial, label: str | None) -> str:
        """The label of a method, or empty for the photo, or `EFFECT` with a line break, which no label has."""
        if label is None or (trial.kind == "photo" and label != EFFECT):
            return ""
        return f"{EFFECT}\n" if trial.kind == "photo" else label

    def picture(self, name: str) -> bytes | None:
        """A PNG file; None for a name that was not given."""
        with self._lock:
            photo, label = self._pictures.get(name, (None, ""))
        if photo is None:
            return None
        if label and not label.endswith("\n"):
            return sent(self.poll.pictures.fakes[photo][label])
        return (effect if label else sent)(self.poll.pictures.photos[photo])

    def check_pictures(self) -> None:
        """Raises a ToonlabError if a picture is damaged, before a rater sees that."""
        found = self.poll.pictures
        for path in [*found.photos.values(), *(path for fakes in found.fakes.values() for path in fakes.values())]:
            sent(path)

    def answer(self, given: dict[str, Any]) -> dict[str, Any]:
        """Write an answer, and return what is next; an answer to another step than the rater's is ignored."""
        answer = given.get("answer")
        if answer not in ("left", "tie", "right", "back"):
            raise BadRequestError(f"answer: got {answer!r}; expected left, tie, right or back")
        with self._lock:
            rater = self.rater(given.get("rater"))
            if given.get("step") == rater.place:
                if answer == "back":
                    rater.place = max(0, rater.place - 1)
                elif rater.place < len(rater.steps):
                    self.poll.append(self._vote(rater, answer, given.get("seconds")))
                    rater.place += 1
            return self._state(rater)

    def _vote(self, rater: Rater, answer: Literal["left", "tie", "right"], seconds: object) -> Vote:
        number, name = rater.steps[rater.place]
        trial = rater.trials[number]
        return Vote(
            rater=rater.code,
            trial=number,
            question=name,
            kind=trial.kind,
            photo=trial.photo,
            left=trial.left,
            right=trial.right,
            answer=answer,
            seconds=round(seconds, 2) if isinstance(seconds, int | float) and 0 <= seconds < 1e6 else 0.0,
            time=round(time.time(), 1),
        )

    # -- over HTTP

    def application(self, token: str = "", hosts: tuple[str, ...] = ()) -> Starlette:
        """The server's application.

        Args:
            token: under which all addresses lie, if any.
            hosts: to which names alone it answers; to any if there are none.
        """
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware
        from starlette.routing import Route

        root = f"/{token}" if token else ""
        routes = [Route(f"{root}/{name}", self._page(name), methods=["GET"]) for name in FILES]
        routes += [
            Route(f"{root}/begin", self._asked(lambda given: self.state(given.get("rater"))), methods=["POST"]),
            Route(f"{root}/answer", self._asked(self.answer), methods=["POST"]),
            Route(f"{root}/picture/{{name}}", self._send_picture, methods=["GET"]),
        ]
        allowed = [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))] if hosts else []
        return Starlette(routes=routes, middleware=allowed)

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {name: (PAGE / (name or "vote.html")).read_text(encoding="utf-8") for name in FILES}

    def _page(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            from starlette.responses import Response

            headers = {**HEADERS, "Cache-Control": "no-store"}
            return Response(self._texts[name], media_type=FILES[name], headers=headers)

        return respond

    def _send_picture(self, request: Request) -> Response:
        from starlette.responses import Response

        if (data := self.picture(request.path_params["name"])) is None:
            return Response("no such picture", 404, HEADERS)
        return Response(data, media_type="image/png", headers={**HEADERS, "Cache-Control": "private, max-age=3600"})

    def _asked(self, function: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        """JSON in, JSON out; a vote is on the disk before the answer."""

        async def respond(request: Request) -> Response:
            from starlette.concurrency import run_in_threadpool
            from starlette.responses import JSONResponse

            try:
                return JSONResponse(await run_in_threadpool(function, await _body(request)), headers=HEADERS)
            except BadRequestError as error:
                return JSONResponse({"error": str(error)}, 400, HEADERS)
            except OSError as error:
                text = f"The vote could not be written: {error.strerror}. Tell the person who runs the vote."
                return JSONResponse({"error": text}, 500, HEADERS)

        return respond


async def _body(request: Request) -> dict[str, Any]:
    """Only of type JSON, which no other site's page can send without this server's consent."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise BadRequestError("expected JSON")
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > LARGEST:
            raise BadRequestError(f"more than {LARGEST} bytes")
    try:
        given = json.loads(data)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise BadRequestError("expected a JSON object")
    return given
