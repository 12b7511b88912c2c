"""Decides which requests the review page answers: only those of a browser on this machine with the printed address.

- The `Host` of every request is a loopback name: a foreign name that resolves to this machine reaches nothing.
- The printed token is valid once. It is exchanged for a cookie that no script reads and no other site sends.
- A POST comes from our own origin, and carries the form's own token (`forms`).
- No answer may be framed, cached, or read as another type. The content security policy forbids requests to other
  hosts.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestGuard", "ReviewSession"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
BITS = 128
READING = ("GET", "HEAD")
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",  # without a referrer a browser hides the origin of a POST, too
    "x-content-type-options": "nosniff",
}
CLOSED = "default-src 'none'; frame-ancestors 'none'"
NOT_YOURS = "This page is open in another browser, or its address was used before. Start `autograder review` again."


@dataclass
class ReviewSession:
    """The secrets of one run of the server. `token` is "" after its use."""

    token: str = field(default_factory=lambda: secrets.token_hex(BITS // 8))
    cookie: str = field(default_factory=lambda: secrets.token_hex(BITS // 8))
    name: str = field(default_factory=lambda: f"review-{secrets.token_hex(4)}")  # cookies are not bound to a port
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def exchange(self, token: str) -> bool:
        """True if a token is the printed one. It is valid once."""
        good = bool(self.token) and secrets.compare_digest(token.encode(), self.token.encode())
        if good:
            self.token = ""
        return good

    def knows(self, cookies: str) -> bool:
        """True if a `Cookie` header holds our cookie."""
        try:
            found = SimpleCookie(cookies).get(self.name)
        except CookieError:
            return False
        return found is not None and secrets.compare_digest(found.value.encode(), self.cookie.encode())


@dataclass(frozen=True)
class RequestGuard:
    """An ASGI application in front of another. It refuses requests, and adds the headers above to answers."""

    app: ASGIApp
    session: ReviewSession

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # a web socket gets no answer, so the server refuses it
        refused = self._refusal(scope)
        await (refused or self.app)(scope, receive, _guarded(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in LOOPBACK:
            return PlainTextResponse("This page is for this machine only.", 421)
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if scope["path"] == "/" and scope["method"] == "GET" and len(tokens) == 1 and self.session.exchange(tokens[0]):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self.session.name, self.session.cookie, httponly=True, samesite="strict", path="/")
            return answer
        if not self.session.knows("; ".join(headers.getlist("cookie"))):
            return PlainTextResponse(NOT_YOURS, 403)
        if scope["method"] not in READING and not _ours(headers, hosts[0]):
            return PlainTextResponse("This request comes from another page.", 403)
        return None


def _name(host: str) -> str:
    """`localhost:8000` → `localhost`; "" for other text."""
    try:
        return "" if "@" in host else urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _ours(headers: Headers, host: str) -> bool:
    """True if the request is from one of our pages."""
    return headers.getlist("origin") == [f"http://{host}"] and headers.get("sec-fetch-site", "same-origin") == (
        "same-origin"
    )


def _guarded(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("content-security-policy", CLOSED)
        await send(message)

    return guarded
