"""A person at a desk: opens pages of the real panel, reads them, fills forms by their labels, presses buttons.

Works the same over the network and, with httpx's WSGI transport, on an app in this process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx


@dataclass
class Control:
    """One field of a form as the page shows it."""

    name: str
    kind: str
    value: str = ""
    label: str = ""
    is_checked: bool = False
    ident: str = ""
    options: list[tuple[str, str, bool]] = field(default_factory=list)  # value, words, selected
    is_multiple: bool = False


@dataclass
class Form:
    """A form that posts."""

    action: str
    controls: list[Control] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a page says, and its forms and links."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(convert_charrefs=True)
        self.status = response.status_code
        self.url = str(response.url)
        self.html = response.text
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self._words: list[str] = []
        self._labels: dict[str, str] = {}
        self._open: dict[str, Any] = {}
        self.feed(self.html)
        for form in self.forms:
            for control in form.controls:
                control.label = control.label or self._labels.get(control.ident, "")

    @property
    def text(self) -> str:
        """Everything a reader sees, in one line."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "form" and a.get("method", "").lower() == "post":
            self.forms.append(Form(urljoin(self.url, a.get("action", "") or self.url)))
            self._open["form"] = self.forms[-1]
        elif tag == "a" and "href" in a:
            self._open["a"] = [a["href"], ""]
        elif tag == "label":
            self._open["label"] = [a.get("for", ""), ""]
        elif tag == "button":
            self._open["button"] = ""
        elif tag in ("script", "style"):
            self._open["silent"] = True
        self._control(tag, a)

    def _control(self, tag: str, a: dict[str, str]) -> None:
        form: Form | None = self._open.get("form")
        if form is None:
            return
        if tag == "input" and a.get("name"):
            control = Control(a["name"], a.get("type", "text"), a.get("value", ""), ident=a.get("id", ""))
            control.is_checked = "checked" in a
            form.controls.append(control)
        elif tag == "select":
            form.controls.append(
                Control(a.get("name", ""), "select", ident=a.get("id", ""), is_multiple="multiple" in a)
            )
            self._open["select"] = form.controls[-1]
        elif tag == "option" and "select" in self._open:
            self._open["select"].options.append([a.get("value", ""), "", "selected" in a])
            self._open["option"] = True
        elif tag == "textarea":
            form.controls.append(Control(a.get("name", ""), "textarea", ident=a.get("id", "")))
            self._open["textarea"] = form.controls[-1]

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and "a" in self._open:
            href, words = self._open.pop("a")
            self.links.append((href, " ".join(words.split())))
        elif tag == "label" and "label" in self._open:
            ident, words = self._open.pop("label")
            self._labels.setdefault(ident, " ".join(words.split()))
        elif tag == "button" and "button" in self._open:
            words = self._open.pop("button")
            if "form" in self._open:
                self._open["form"].buttons.append(" ".join(words.split()))
        elif tag in ("script", "style"):
            self._open.pop("silent", None)
        else:
            self._open.pop(
                {"form": "form", "select": "select", "option": "option", "textarea": "textarea"}.get(tag, ""), None
            )

    def handle_data(self, data: str) -> None:
        if "silent" in self._open:
            return
        self._words.append(data)
        for name in ("a", "label"):
            if name in self._open:
                self._open[name][1] += data
        if "button" in self._open:
            self._open["button"] += data
        if "option" in self._open and "select" in self._open:
            self._open["select"].options[-1][1] += data
        if "textarea" in self._open:
            self._open["textarea"].value += data

    def form(self, *words: str) -> Form:
        """The form that has fields with all these labels (the first where several have)."""
        for form in self.forms:
            if all(any(w == c.name or w in c.label for c in form.controls) for w in words) and (
                words or len(self.forms) == 1 or any(c.name == "ticket" for c in form.controls)
            ):
                return form
        raise AssertionError(f"no form with {words} on {self.url}: {self.text[:400]}")


class Office:
    """One logged-in person."""

    def __init__(self, base: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.http = httpx.Client(base_url=base, transport=transport, follow_redirects=True, timeout=60)

    def open(self, path: str) -> Page:
        """Go to a page."""
        return Page(self.http.get(path))

    def log_in(self, login: str, password: str) -> Page:
        """Through the login page."""
        page = self.submit(self.open("/admin/"), 账号=login, 密码=password)
        assert "退出" in page.text, page.text[:300]
        return page

    def submit(self, page: Page, _form: Form | None = None, _key: dict[str, str] | None = None, **filled: Any) -> Page:
        """Fill the form that has these labels and send it; files as (name, bytes). A 4xx answer is a page too.

        _key: name and value of the key pressed, where a form has several.
        """
        form = _form or page.form(*filled)
        data: dict[str, Any] = dict(_key or {})
        files: dict[str, Any] = {}
        for control in form.controls:
            word = next((w for w in filled if w == control.name or (control.label and w in control.label)), None)
            self._put(control, filled[word] if word else None, word is not None, data, files)
        response = self.http.post(form.action, data=data, files=files or None, headers={"Referer": page.url})
        return Page(response)

    def _put(self, control: Control, value: Any, is_filled: bool, data: dict[str, Any], files: dict[str, Any]) -> None:
        if control.kind in ("submit", "button", "reset") or not control.name:
            return
        if control.kind == "file":
            if is_filled:
                files[control.name] = value
        elif control.kind == "select":
            self._choose(control, value, is_filled, data)
        elif control.kind in ("checkbox", "radio"):
            if isinstance(value, (list, tuple, set)):
                wanted = control.value in {str(one) for one in value}
            else:
                wanted = bool(value) if is_filled else control.is_checked
            if wanted:
                data.setdefault(control.name, []).append(control.value or "y")
        else:
            typed = str(value) if is_filled else unescape(control.value).strip("\n")
            data[control.name] = [*data[control.name], typed] if control.name in data else [typed]

    def _choose(self, control: Control, value: Any, is_filled: bool, data: dict[str, Any]) -> None:
        if not is_filled:
            picked = [option[0] for option in control.options if option[2]]
            if not picked and not control.is_multiple and control.options:
                picked = [control.options[0][0]]
        else:
            wanted = value if isinstance(value, (list, tuple)) else [value]
            picked = []
            for word in wanted:
                found = [o[0] for o in control.options if str(word) == o[0] or str(word) in " ".join(o[1].split())]
                assert found, f"{control.label}: no option {word!r} among {[o[1] for o in control.options]}"
                picked.append(found[0])
        if picked:
            data[control.name] = picked if control.is_multiple else picked[0]

    def follow(self, page: Page, words: str) -> Page:
        """The first link with these words."""
        for href, text in page.links:
            if words in text:
                return self.open(urljoin(page.url, href))
        raise AssertionError(f"no link {words!r} on {page.url}: {[text for _, text in page.links]}")

    def do(self, slug: str, verb: str, ident: int | None = None, *, ask: str = "", **filled: Any) -> Page:
        """A verb of a view by its address: its form or question, filled and sent; a refusal is a failure here."""
        path = f"/admin/{slug}/do/{verb}/" + (f"?id={ident}" if ident is not None else f"?{ask}" if ask else "")
        page = self.open(path)
        assert page.status == 200, (path, page.status, page.text[:300])
        done = self.submit(page, _form=ticketed(page), **filled)
        assert done.status == 200, (path, done.status, done.text[:600])
        return done


def ticketed(page: Page) -> Form:
    """The form of a verb's page: the one that carries a ticket against double submits."""
    for form in page.forms:
        if any(control.name == "ticket" for control in form.controls):
            return form
    raise AssertionError(f"no verb form on {page.url}: {page.text[:300]}")
