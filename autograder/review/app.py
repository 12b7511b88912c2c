"""The server of the review page: its addresses, and how a form becomes a decision."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from markupsafe import escape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from autograder.course.result import SubmissionResult
from autograder.errors import UsageError
from autograder.gradebook.facts import StoredSubmission
from autograder.gradebook.store import Overtaken
from autograder.gradebook.wording import page_words
from autograder.reports import render_student
from autograder.review import forms, pages
from autograder.review.desk import Moment, ReviewDesk
from autograder.review.guard import RequestGuard, ReviewSession

__all__ = ["application"]

MAX_FORM = 64 * 1024  # bytes
MAX_PAGE = 64 * 1024 * 1024
MAX_FIELDS = 20
# For an executed notebook's page, which holds a student's output. It may be shown inside our page, and runs nothing.
INERT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
REPORT = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def application(desk: ReviewDesk, session: ReviewSession) -> RequestGuard:
    """The page of one assignment, behind its guard."""
    desk.book.engine  # noqa: B018  opened before the first request: requests are answered in parallel
    own = _Application(desk, session)
    routes = [
        Route("/", _shows(own.queue)),
        Route("/submission/{number:int}", _shows(own.submission)),
        Route("/submission/{number:int}/report.html", _shows(own.report)),
        Route("/submission/{number:int}/{page:str}", _shows(own.notebook)),
        Route("/submission/index.html", _shows(lambda request: RedirectResponse("/", 303))),
        Route("/person/{code:str}", _shows(own.person)),
        Route("/decide", own.decide, methods=["POST"]),
    ]
    return RequestGuard(Starlette(routes=routes), session)


def _shows(make: Callable[[Request], Response]) -> Callable[[Request], object]:
    """An endpoint that runs in a thread. An error that a person can fix is one line."""

    def endpoint(request: Request) -> Response:
        try:
            return make(request)
        except UsageError as error:
            return PlainTextResponse(str(error), 500)

    return endpoint


@dataclass(frozen=True)
class _Application:
    desk: ReviewDesk
    session: ReviewSession

    def queue(self, request: Request) -> Response:
        return _answer(pages.queue_page(self.desk.now()))

    def submission(self, request: Request) -> Response:
        moment = self.desk.now()
        found = moment.submission(request.path_params["number"])
        if found is None:
            return _nothing()
        return _answer(pages.submission_page(moment, found, self.session.secret, _did(request)))

    def person(self, request: Request) -> Response:
        moment = self.desk.now()
        key = moment.names.key(request.path_params["code"])
        return _answer(pages.person_page(moment, key, self.session.secret, _did(request))) if key else _nothing()

    def report(self, request: Request) -> Response:
        """The student's page, made from the book now."""
        moment = self.desk.now()
        found = moment.submission(request.path_params["number"])
        result = moment.result(found) if found else "gone"
        if found is None or not isinstance(result, SubmissionResult):
            return _nothing()
        words = page_words(moment.grades, moment.facts, moment.terms).get(found.id)
        own_words = words.changed(moment.names.without) if words else None
        return _inert(render_student(result, self.desk.assignment, own_words), REPORT)

    def notebook(self, request: Request) -> Response:
        """An executed notebook's page. No other file of the disk is served."""
        moment = self.desk.now()
        found, page = moment.submission(request.path_params["number"]), request.path_params["page"]
        text = self._read(found, page) if found and page in self.desk.assignment.pages.values() else None
        if found is None or text is None:
            return _nothing()
        if moment.names.anonymous:
            text = text.replace(str(escape(found.name)), str(escape(moment.names.submission(found))))
        return _inert(text, INERT)

    def _read(self, submission: StoredSubmission, page: str) -> str | None:
        """A page in the submission's folder; None if there is none, and for any link."""
        name = submission.name
        if self.desk.out is None or name in ("", ".", "..") or any(char in "/\\\0" for char in name):
            return None
        folder = self.desk.out / name
        try:
            if folder.is_symlink():
                return None
            with os.fdopen(os.open(folder / page, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return None
                return file.read(MAX_PAGE).decode("utf-8", "replace")
        except OSError:
            return None

    async def decide(self, request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_FORM:
                return PlainTextResponse("This form is too large.", 413)
        try:
            data = dict(
                parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_FIELDS)
            )
        except ValueError:
            return PlainTextResponse("This is no form of this page.", 400)
        return await run_in_threadpool(self._decided, data)

    def _decided(self, data: dict[str, str]) -> Response:
        moment, secret = self.desk.now(), self.session.secret
        try:
            posted = forms.read(moment, data, secret)
        except (UsageError, KeyError) as error:
            return _answer(pages.refusal_page(moment, str(error), "/"), 403)
        back = _back(posted, moment)
        try:
            wanted = forms.decision(moment, posted)
            if wanted is None:
                return RedirectResponse(back, 303)
            (number,) = self.desk.book.add_decisions([wanted], posted.shown)
        except Overtaken as error:
            return self._overtaken(self.desk.now(), posted, error.newest, back)
        except UsageError as error:
            return _answer(pages.refusal_page(moment, str(error), back), 422)
        return RedirectResponse(f"{back}?did={number}", 303)

    def _overtaken(self, moment: Moment, posted: forms.Posted, newest: int, back: str) -> Response:
        """Both values, and the form again: a person who overrules another decision has seen it."""
        other = next(each for each in moment.decisions if each.id == newest)
        theirs = f"{forms.in_words(other, moment)} ({other.who}, {forms.at(other, moment)})"
        again = forms.field_of(moment, posted.matter, self.session.secret, posted.back)
        value, why = (again.value, again.why) if posted.undo else (posted.value, posted.why)
        page = pages.refusal_page(
            moment, "Somebody else has decided this in the meantime.", back, theirs, again.overruling(value, why)
        )
        return _answer(page, 409)


def _back(posted: forms.Posted, moment: Moment) -> str:
    """The address of the page that held the form."""
    if posted.back:
        return f"/submission/{posted.back.id}"
    code = moment.names.codes.get(posted.matter.student)
    return f"/person/{code}" if code else "/"


def _did(request: Request) -> int:
    text = request.query_params.get("did", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0


def _answer(page: pages.Page, status: int = 200) -> Response:
    return _inert(page.text, f"{page.policy}; frame-ancestors 'none'", status)


def _inert(text: str, policy: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, {"content-security-policy": policy})


def _nothing() -> Response:
    return PlainTextResponse("There is nothing here.", 404)
