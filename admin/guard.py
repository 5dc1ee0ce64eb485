"""What every answer carries and what every failure looks like: headers, limits, error pages without a trace."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Request, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import HTTPException

from admin import shell
from admin.session import nonce
from core import settings
from core.errors import NotFound, NotPermitted, Refusal
from core.notifications.words import sentence

log = logging.getLogger(__name__)
LOGIN_LIMIT = "20 per minute"

PROBLEMS: dict[int, tuple[str, str]] = {
    400: ("请求有误", "页面可能已经过期，或者提交的内容不完整。请返回上一页，刷新后再试。"),
    403: ("没有权限", "您的账号不能打开这个页面。如需权限，请联系本单位的管理员。"),
    404: ("没有找到", "这个页面或记录不存在，或者您的账号看不到它。"),
    405: ("请求有误", "请从页面上的按钮操作，不要直接打开这个地址。"),
    409: ("记录已变化", "请返回列表，打开最新的记录再办理。"),
    413: ("文件太大", "一次最多上传 20 MB。请压缩或分批上传。"),
    429: ("操作太频繁", "为保护账号，同一网络的尝试次数有限。请等一分钟再试。"),
    500: ("系统出错了", "这是我们的问题，没有更改任何数据。请稍后再试；如果一直这样，请告诉系统管理员发生的时间。"),
}


class TypedRequest(Request):
    """A request whose form holds no NUL: nobody typed one, and PostgreSQL raises where SQLite would keep it."""

    def _load_form_data(self) -> None:
        super()._load_form_data()
        sent = self.__dict__["form"]
        if any("\x00" in value for _, value in sent.items(multi=True)):
            clean = [(name, value.replace("\x00", "")) for name, value in sent.items(multi=True)]
            self.__dict__["form"] = ImmutableMultiDict(clean)


def stand(app: Flask) -> Limiter:
    """Headers, error pages and the facts of the shell on this application; returns its rate limiter."""
    app.request_class = TypedRequest
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", headers_enabled=False)
    app.after_request(_headers)
    app.register_error_handler(HTTPException, _problem)
    app.register_error_handler(CSRFError, _csrf_problem)
    app.register_error_handler(Refusal, _refused)
    app.context_processor(shell.facts)
    app.jinja_env.globals["csp_nonce"] = nonce
    shell.add_filters(app)
    return limiter


def _headers(response: Response) -> Response:
    """Own origin only, no frames but our own phone pages in our own simulator; a blueprint's own headers win."""
    frames = "'self'" if request.path.startswith("/phone/") else "'none'"
    script = f"'self' 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else "'self'"
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'self'; script-src {script}; style-src 'self'; img-src 'self' data:; object-src 'none'; "
        f"base-uri 'none'; form-action 'self'; frame-ancestors {frames}",
    )
    may_frame = "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
    response.headers.setdefault("X-Frame-Options", "SAMEORIGIN" if may_frame else "DENY")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if settings.current().base_url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static" and not request.path.startswith("/admin/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _problem(problem: HTTPException) -> ResponseReturnValue:
    if problem.response is not None:  # abort(redirect(…))
        return problem.response
    code = problem.code or 500
    if code == 500 and getattr(problem, "original_exception", None) is not None:
        log.error("500 at %s", request.url_rule)
    return page(code), code, _kept(problem)


def _kept(problem: HTTPException) -> Any:
    """Retry-After and Allow are worth keeping."""
    return [(name, value) for name, value in problem.get_headers() if name in ("Retry-After", "Allow")]


def page(code: int, words: str = "") -> str:
    """The error page of a code."""
    title, hint = PROBLEMS.get(code, PROBLEMS[500 if code >= 500 else 400])
    return render_template("admin/problem.html", title=title, hint=words or hint, code=code)


def _csrf_problem(problem: CSRFError) -> ResponseReturnValue:
    return page(400, "页面已经过期，没有更改任何数据。请返回上一页，刷新后再提交。"), 400


def _refused(refusal: Refusal) -> ResponseReturnValue:
    """A refusal that no page caught: said in words all the same."""
    code = 404 if isinstance(refusal, NotFound) else 403 if isinstance(refusal, NotPermitted) else 422
    return page(code, sentence(refusal)), code
