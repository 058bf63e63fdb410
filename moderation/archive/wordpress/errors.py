"""What can be wrong with a blog, told in one sentence that says what to do."""

from __future__ import annotations

import json

import requests
from urllib3.exceptions import MaxRetryError

from moderation.archive.plain import plain
from moderation.archive.record import ArchiveError

_LONGEST_REASON = 200


class SiteError(ArchiveError):
    """The blog cannot be used right now; the message says why and what to do."""


class NotJson(SiteError):  # noqa: N818 - what the blog sent, not a mistake in the code
    """The blog answered with a page for people."""


class Refused(SiteError):  # noqa: N818 - what the blog did, not a mistake in the code
    """The blog said no; ``status`` is HTTP's word for why, ``code`` WordPress's, if it gave one."""

    def __init__(self, sentence: str, status: int, code: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


def unanswered(url: str, error: requests.RequestException) -> SiteError:
    """Say why there is no answer, or only half of one."""
    match error:
        case requests.exceptions.SSLError():
            return SiteError(
                f"The certificate of {url} cannot be trusted; the blog needs a valid one."
            )
        case requests.exceptions.Timeout():
            return SiteError(f"{url} does not answer in time. Try again later or raise --timeout.")
        case requests.exceptions.ConnectionError(args=(MaxRetryError(), *_)):
            return SiteError(f"{url} cannot be reached. Check the address and that the blog is up.")
        case _:
            return SiteError(f"The connection to {url} was lost in the middle. Try again later.")


def unreadable(url: str, response: requests.Response) -> SiteError:
    """Say what is wrong with an answer that is not JSON."""
    if "json" in response.headers.get("Content-Type", ""):
        return SiteError(
            f"{url} sent JSON that is broken or breaks off. Try again later; if it stays so, look"
            " into the blog's error log."
        )
    return NotJson(
        f"{url} answered with a page instead of JSON. Look whether the blog is under maintenance,"
        " or a login page or a firewall stands before its REST interface."
    )


def endless(url: str, largest: int) -> SiteError:
    """Say that an answer was not read to its end."""
    return SiteError(
        f"{url} sent an answer of more than {largest // 2**20} MiB. No WordPress does that; look"
        " what answers there."
    )


def refusal(url: str, user: str, response: requests.Response, body: bytes) -> Refused:
    """Say what an answer means that is no success."""
    status = response.status_code
    code, message = _reason(body)
    said = " ".join(filter(None, (str(status), code, message)))
    if response.is_redirect:
        elsewhere = response.headers["Location"].partition("/wp-json")[0]
        sentence = f"{url} sends us on to {elsewhere}. If that is the blog, give its address."
    elif status == 401:
        sentence = (
            f"{url} does not accept the login of {user} ({said}). Make an application password in"
            " WordPress (Users → Profile) and put it into MODERATION_WORDPRESS_PASSWORD; the web"
            " server must pass on the header Authorization."
        )
    elif status == 403:
        sentence = (
            f"{url} does not allow this to {user} ({said}). The user needs the right to moderate"
            " comments, such as editors have."
        )
    elif status == 429:
        sentence = f"{url} gets too many requests ({said}). Try again later with a lower --rate."
    elif status >= 500:
        sentence = f"{url} fails ({said}). Try again later, or look into the blog's error log."
    else:
        sentence = f"{url} refuses the request ({said})."
    return Refused(sentence, status, code)


def _reason(body: bytes) -> tuple[str, str]:
    """Return WordPress's code for a refusal and its sentence, as far as it gave them."""
    try:
        told = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(told, dict):
        return "", ""
    return _words(told.get("code")), _words(told.get("message"))


def _words(told: object) -> str:
    # it goes to a terminal, and who knows what answers there
    words = plain(str(told or ""))
    return "".join(letter for letter in words if letter.isprintable())[:_LONGEST_REASON]
