"""Blogs that answer badly or not at all: one clear sentence, and a run that can go on later.

The server is a real one on this machine; each test writes down what it answers, in order.
"""

import json
import shutil
import ssl
import subprocess
import threading
import time
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from moderation.archive.record import Applied, Problem, Status
from moderation.archive.wordpress import Pace, Site, SiteError
from moderation.cli import main
from moderation.settings import Settings

QUICK = Pace(rate=1000, tries=3, back_off=0.01, timeout=5)
INDEX = {"namespaces": ["wp/v2"]}


def told(number, **others):
    """Tell a comment the way WordPress does."""
    return {
        "id": number,
        "post": 0,
        "author_name": "Max",
        "author_ip": "192.0.2.7",
        "author_user_agent": "Mozilla/5.0",
        "date": f"2026-01-01T10:00:{number:02}",
        "date_gmt": f"2026-01-01T09:00:{number:02}",
        "content": {"raw": f"Danke Nr. {number}"},
        "status": "hold",
        "type": "comment",
        "_links": {},
    } | others


class Blog(BaseHTTPRequestHandler):
    """Gives the answers of its server, one after the other, and the last one for ever."""

    def do_GET(self):
        self.server.asked.append((time.monotonic(), self.path))
        is_index = urlsplit(self.path).path == "/wp-json/"
        answers = self.server.index if is_index else self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    do_POST = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def give(self, body, status=200, kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", headers.pop("length", len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *_):
        """Keep quiet."""


def ok(content, **headers):
    return lambda blog: blog.give(json.dumps(content).encode(), **headers)


def refusal(status, code="rest_error", **headers):
    error = {"code": code, "message": "<strong>Nein</strong>\x1b[31m!", "data": {"status": status}}
    return lambda blog: blog.give(json.dumps(error).encode(), status, **headers)


def page(blog):
    blog.give(b"<!DOCTYPE html><title>Wartung</title>", kind="text/html")


def missing(blog):
    blog.give(b"<h1>Not Found</h1>", 404, kind="text/html")


def broken_json(blog):
    blog.give(b'[{"id": 1, "con')


def lost_in_the_middle(blog):
    blog.give(b'[{"id": 1,', length=1000)
    blog.close_connection = True


def bomb(status):
    """Send a tenth of a megabyte that unpacks to a hundred."""
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(100))
    return lambda blog: blog.give(packed + packer.flush(), status, Content_Encoding="gzip")


def hung_up(blog):
    blog.close_connection = True


def silent(_blog):
    time.sleep(0.5)


@pytest.fixture
def blog():
    """A blog that answers its index and has no comments, to be told otherwise."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Blog)
    server.index, server.answers, server.asked = [ok(INDEX)], [ok([])], []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def read(blog):
    """Read all comments of a blog that answers like this."""

    def read(*answers, pace=QUICK):
        blog.answers = list(answers)
        with Site(blog.url, "eva", "geheim", pace) as site:
            return list(site.comments())

    return read


@pytest.mark.parametrize(
    ("answer", "sentence", "tries"),
    [
        (
            refusal(401, "incorrect_password"),
            r"does not accept the login of eva \(401 incorrect",
            1,
        ),
        (refusal(403, "rest_forbidden"), "does not allow this to eva .* right to moderate", 1),
        (refusal(400), "refuses the request", 1),
        (refusal(429), "gets too many requests .* lower --rate", 3),
        (refusal(500), "fails .* look into the blog's error log", 3),
        (refusal(503), "fails", 3),
        (
            refusal(302, Location="https://www.blog.example/wp-json/x"),
            "on to https://www.blog.ex",
            1,
        ),
        (page, "answered with a page instead of JSON", 1),
        (broken_json, "sent JSON that is broken or breaks off", 3),
        (lost_in_the_middle, "was lost in the middle", 3),
        (hung_up, "was lost in the middle", 3),
        (bomb(200), "an answer of more than 64 MiB", 1),
        (bomb(500), "an answer of more than 64 MiB", 1),
        (ok({"comments": []}), "does not list its comments the way WordPress does", 1),
        (ok([1, None]), "does not list its comments the way WordPress does", 1),
    ],
)
def test_a_bad_answer_is_one_clear_sentence(blog, read, answer, sentence, tries):
    with pytest.raises(SiteError, match=sentence) as caught:
        read(answer)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(blog.asked) == 1 + tries


@pytest.mark.parametrize(
    "answer", [refusal(500), refusal(429), broken_json, lost_in_the_middle, hung_up]
)
def test_what_is_over_in_a_moment_is_tried_again(read, answer):
    found = read(answer, answer, ok([told(1)]), answer, ok([]))
    assert [each.comment.text for each in found] == ["Danke Nr. 1"]


def test_each_further_try_waits_twice_as_long(blog, read):
    with pytest.raises(SiteError):
        read(refusal(500), pace=Pace(rate=1000, tries=4, back_off=0.05))
    times = [at for at, _ in blog.asked][1:]
    waits = [after - before for before, after in pairwise(times)]
    assert all(wait >= least for wait, least in zip(waits, (0.05, 0.1, 0.2), strict=True))


def test_a_blog_that_says_how_long_to_wait_is_obeyed(blog, read):
    read(refusal(429, Retry_After="1"), ok([]))
    assert blog.asked[2][0] - blog.asked[1][0] >= 1


def test_a_blog_that_wants_to_be_left_alone_for_an_hour_is_left_alone(blog, read):
    began = time.monotonic()
    with pytest.raises(SiteError, match="too many requests"):
        read(refusal(429, Retry_After="3600"))
    assert time.monotonic() - began < 30
    assert len(blog.asked) == 2


def test_a_blog_that_does_not_answer_is_not_waited_for_without_end(read):
    with pytest.raises(SiteError, match="does not answer in time"):
        read(silent, pace=Pace(rate=1000, tries=2, back_off=0.01, timeout=0.1))


def test_no_more_requests_a_second_than_allowed(blog, read):
    began = time.monotonic()
    read(ok([told(1)]), ok([told(2)]), ok([]), pace=Pace(rate=20, tries=1))
    assert len(blog.asked) == 4
    assert time.monotonic() - began >= 3 / 20


def test_nobody_there_is_said_so(blog):
    blog.server_close()
    with (
        Site(blog.url, "eva", "geheim", QUICK) as site,
        pytest.raises(SiteError, match="cannot be reached"),
    ):
        list(site.comments())


def test_a_certificate_that_cannot_be_trusted_is_refused_at_once(blog, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is missing")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    blog.socket = context.wrap_socket(blog.socket, server_side=True)
    with (
        Site(blog.url.replace("http:", "https:"), "eva", "geheim", QUICK) as site,
        pytest.raises(SiteError, match=r"certificate of https://.* cannot be trusted"),
    ):
        list(site.comments())


def test_a_site_that_is_no_wordpress_is_said_so(blog, read):
    blog.index = [missing]
    with pytest.raises(SiteError, match="There is no WordPress with a REST interface"):
        read(missing)
    blog.index = [page]
    with pytest.raises(SiteError, match="answered with a page instead of JSON"):
        read(page)
    blog.index = [ok(["something", "else"])]
    with pytest.raises(SiteError, match="There is no WordPress with a REST interface"):
        read(missing)


def test_a_stray_byte_order_mark_does_not_matter(read):
    assert read(lambda blog: blog.give(b"\xef\xbb\xbf[]")) == []


def test_a_comment_that_is_told_wrongly_is_named_and_the_rest_goes_on(read):
    wrong = told(2)
    del wrong["content"]
    found = read(ok([told(1), wrong, told(3, status="weg"), told(4, date="gestern")]), ok([]))
    problems = [str(each) for each in found if isinstance(each, Problem)]
    assert problems == [
        "comment 2: The blog tells it otherwise than WordPress does (content).",
        "comment 3: The status is none of approved, pending, rejected and spam.",
    ]
    first, fourth = (each for each in found if not isinstance(each, Problem))
    assert (first.comment.id, fourth.comment.id) == ("1", "4")


def test_a_blog_that_sends_the_same_comments_for_ever_is_noticed(read):
    with pytest.raises(SiteError, match="perhaps a plugin or a cache"):
        read(ok([told(1), told(2)]))


def test_an_answer_that_was_lost_after_the_change_is_no_harm(blog):
    comment = told(1)
    trashed = told(1, status="trash")
    blog.answers = [ok(comment), hung_up, refusal(410, "rest_already_trashed")]
    with Site(blog.url, "eva", "geheim", QUICK) as site:
        done = site.change("1", before=Status.PENDING, after=Status.REJECTED)
        assert done is Applied.CHANGED
        blog.answers = [ok(comment), hung_up, ok(trashed | {"status": "spam"})]
        assert site.change("1", before=Status.PENDING, after=Status.SPAM) is Applied.CHANGED


def test_a_comment_that_is_told_wrongly_is_not_changed(blog):
    blog.answers = [ok({"id": 1})]
    with (
        Site(blog.url, "eva", "geheim", QUICK) as site,
        pytest.raises(SiteError, match="comment 1: The blog tells it otherwise"),
    ):
        site.change("1", before=Status.PENDING, after=Status.SPAM)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://blog.example", "would send the password for everybody to read; use https://blog"),
        ("http://192.168.0.7", "would send the password"),
        ("blog.example", "is not the address of a blog"),
        ("https://[::1", "is not the address of a blog"),
        ("https://blog.example:x", "is not the address of a blog"),
        ("ftp://blog.example", "is not the address of a blog"),
        ("https://blog.example/?p=3", "is not the address of a blog"),
        ("https://eva:geheim@blog.example", "must hold no login"),
    ],
)
def test_addresses_that_cannot_be_or_would_be_unsafe_are_refused(url, sentence):
    with pytest.raises(SiteError, match=sentence) as caught:
        Site(url, "eva", "geheim")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:8080", "http://127.0.0.7", "http://[::1]:80/blog"]
)
def test_on_this_machine_the_password_may_travel_unencrypted(url):
    Site(url, "eva", "geheim").close()


def test_without_a_password_there_is_a_sentence(monkeypatch):
    monkeypatch.delenv("MODERATION_WORDPRESS_PASSWORD", raising=False)
    with pytest.raises(SiteError, match="put it into the environment as MODERATION_WORDPRESS_PASS"):
        Site.from_settings("https://blog.example", "eva", Settings())


@pytest.fixture
def command(blog, installed, monkeypatch):
    """Run a command about the blog."""
    monkeypatch.setenv("MODERATION_WORDPRESS_PASSWORD", "geheim")

    def command(name, *answers):
        blog.answers = list(answers)
        where = ["--url", blog.url, "--user", "eva", "--rate", "1000", "--tries", "1"]
        return CliRunner().invoke(main, ["wordpress", name, *where])

    return command


def test_a_blog_that_dies_half_way_ends_the_pull_and_the_next_one_goes_on(blog, command, desk):
    first, second = ok([told(n) for n in range(1, 4)]), ok([told(4), told(5)])
    died = command("pull", first, refusal(500))
    assert died.exit_code == 1
    assert died.stderr.startswith(f"Error: {blog.url} fails (500")
    assert sum(desk.counts().values()) == 3
    went_on = command("pull", second, ok([]))
    assert went_on.exit_code == 0
    assert "2 added" in went_on.stdout
    asked = parse_qs(urlsplit(blog.asked[-2][1]).query)
    assert asked["after"] == ["2025-12-29T10:00:02"]  # three days and a second before comment 3


def test_problems_and_refusals_end_in_a_non_zero_exit_status(command, desk):
    strange = command("pull", ok([told(1), told(2, status="weg")]), ok([]))
    assert strange.exit_code == 1
    assert strange.stderr == (
        "comment 2: The status is none of approved, pending, rejected and spam.\n"
    )
    assert sum(desk.counts().values()) == 1
    refused = command("sync", refusal(401))
    assert refused.exit_code == 1
    assert "does not accept the login of eva" in refused.stderr
    assert "Traceback" not in refused.output


def test_a_push_stops_when_the_blog_refuses_one_comment_after_the_other(command, blog, desk):
    command("pull", ok([told(n) for n in range(1, 7)]), ok([]))
    for number in range(1, 7):
        version = desk.comment(str(number)).version
        desk.decide(str(number), "approve", "eva", version=version)
    blog.asked.clear()
    refused = command("push", refusal(403))
    assert refused.exit_code == 1
    assert refused.stderr.count("does not allow this to eva") == 3
    assert len(blog.asked) == 4
