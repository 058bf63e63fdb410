"""A real WordPress on its own MariaDB, started once and emptied before every test.

Both run from a temporary folder and answer to this machine only. Where the packages are missing
the tests skip; `tests/bring-wordpress` installs them.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import urllib3

from moderation.archive.record import Problem
from moderation.archive.rescore import Judges
from moderation.archive.wordpress import Pace, Site
from moderation.archive.wordpress.pull import Pull, Pulled
from moderation.archive.wordpress.push import Push, Pushed
from moderation.comment import Label
from moderation.desk import Desk
from moderation.store import Store

HERE = Path(__file__).parent
CORE = Path("/usr/share/wordpress")
NEEDED = ("php", "mariadbd", "mariadb-install-db")

_POOL = urllib3.PoolManager(timeout=60)

_INSTALL = """
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Testblog', $user, 'anne@blog.example', true, '', $password);
update_option('permalink_structure', '/%postname%/');
update_option('timezone_string', 'Europe/Berlin');
update_option('require_name_email', 0);
"""
_EMPTY = """
global $wpdb;
foreach (['comments', 'commentmeta', 'posts', 'postmeta'] as $table) {
    $wpdb->query('DELETE FROM ' . $wpdb->$table);
    $wpdb->query('ALTER TABLE ' . $wpdb->$table . ' AUTO_INCREMENT = 1');
}
wp_cache_flush();
"""
_KEY = """
$user = get_users(['role' => $role])[0];
echo WP_Application_Passwords::create_new_application_password($user->ID, ['name' => uniqid()])[0];
"""
_POST = """
echo wp_insert_post(wp_slash([
    'post_title' => $title, 'post_content' => $text, 'post_type' => $type,
    'post_status' => 'publish', 'comment_status' => 'open',
]), true);
"""
_INSERT = """
wp_defer_comment_counting(true);
foreach ($texts as $text) {
    echo wp_insert_comment(wp_slash([
        'comment_post_ID' => $article, 'comment_content' => $text, 'comment_approved' => 1,
        'comment_author_IP' => '192.0.2.7', 'comment_date' => $date, 'comment_date_gmt' => $utc,
    ])), ' ';
}
"""
_COMMENT = """
echo json_encode($GLOBALS['wpdb']->get_row(
    "SELECT * FROM {$GLOBALS['wpdb']->comments} WHERE comment_ID = " . (int) $id));
"""


@dataclass
class WordPress:
    """A running blog: what its visitors, its people and its own functions can do."""

    url: str
    folder: Path
    environment: Mapping[str, str]
    user: str = "Änne Redaktion"

    def __post_init__(self) -> None:
        self._addresses = count(2)

    def php(self, code: str, **values: Any) -> str:
        """Run PHP inside WordPress and give what it prints."""
        answer = _POOL.request(
            "POST",
            f"{self.url}/console.php",
            json={"code": code, "values": values},
            headers={"X-Secret": self.environment["WORDPRESS_SECRET"]},
        )
        assert answer.status == 200, answer.data.decode()
        return answer.data.decode()

    def empty(self) -> None:
        """Remove all articles and comments; numbers start at 1 again."""
        self.php(_EMPTY)

    def key(self, role: str = "administrator") -> str:
        """Make an application password for the user of that role."""
        return self.php(_KEY, role=role)

    def publish(self, title: str, text: str = "", *, type: str = "post") -> int:
        """Publish an article and give its number."""
        return int(self.php(_POST, title=title, text=text, type=type))

    def say(
        self,
        article: int,
        text: str,
        *,
        author: str = "Max",
        agent: str | None = "Mozilla/5.0 (X11; Linux)",
        parent: int = 0,
    ) -> int:
        """Comment as a visitor does, by the form, from an address nobody else had; give its number.

        WordPress holds it: it has published nothing of this visitor before.
        """
        number = next(self._addresses)
        pool = urllib3.PoolManager(source_address=(f"127.0.{number // 250}.{number % 250 + 1}", 0))
        answer = pool.request(
            "POST",
            f"{self.url}/wp-comments-post.php",
            fields={
                "comment": text,
                "author": author,
                "email": f"visitor{number}@blog.example",
                "comment_post_ID": str(article),
                "comment_parent": str(parent),
            },
            encode_multipart=False,
            headers={"User-Agent": urllib3.util.SKIP_HEADER if agent is None else agent},
            redirect=False,
        )
        assert answer.status == 302, answer.data.decode()
        return int(answer.headers["Location"].split("#comment-")[1].split("&")[0])

    def comment(self, number: int) -> dict[str, str]:
        """Give a comment as it stands in WordPress's database."""
        found: dict[str, str] = json.loads(self.php(_COMMENT, id=number))
        return found

    def status(self, number: int) -> str:
        """Give WordPress's word for a comment's status."""
        return self.php("echo wp_get_comment_status($id);", id=number)

    def set_status(self, number: int, status: str) -> None:
        """Moderate a comment in WordPress: approve, hold, spam or trash."""
        self.php("wp_set_comment_status($id, $status);", id=number, status=status)

    def sql(self, statement: str, *values: int | str) -> None:
        """Change WordPress's database behind its back, as years of plugins and imports do."""
        code = "$GLOBALS['wpdb']->query($GLOBALS['wpdb']->prepare($statement, $values));"
        self.php(code, statement=statement, values=values)

    def insert(self, article: int, texts: list[str], *, date: str, utc: str = "") -> list[int]:
        """Let WordPress itself insert comments of the past; gives their numbers."""
        inserted = self.php(_INSERT, article=article, texts=texts, date=date, utc=utc or date)
        return [int(number) for number in inserted.split()]

    @contextmanager
    def plugin(self, code: str) -> Iterator[None]:
        """Have a plugin at work."""
        plugins = self.folder / "wp-content" / "mu-plugins"
        plugins.mkdir(exist_ok=True)
        (plugins / "plugin.php").write_text(f"<?php {code}")
        try:
            yield
        finally:
            (plugins / "plugin.php").unlink()

    def export(self) -> str:
        """Export everything as the page Tools → Export does."""
        code = "require_once ABSPATH . 'wp-admin/includes/export.php'; export_wp();"
        return self.php(code)


@pytest.fixture(scope="session")
def installed_wordpress() -> Iterator[WordPress]:
    """A WordPress that runs until the end of the tests."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or not CORE.exists():
        pytest.skip(f"WordPress, PHP or MariaDB is missing ({', '.join(missing) or CORE});"
                    " tests/bring-wordpress installs them")  # fmt: skip
    # not below pytest's own folder: a socket's path has at most 107 characters
    with TemporaryDirectory(prefix="wordpress-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with _database(folder) as database, _site(folder, database) as site:
            yield site


@contextmanager
def _database(folder: Path) -> Iterator[Path]:
    data, database = folder / "data", folder / "database"
    me = f"--user={getpass.getuser()}"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", me, f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal"],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    log = (folder / "database.log").open("wb")
    with log, subprocess.Popen(
        ["mariadbd", "--no-defaults", me, f"--datadir={data}", f"--socket={database}",
         "--skip-networking", "--innodb-flush-method=nosync",
         "--character-set-server=utf8mb4", "--init-file=/dev/stdin"],
        stdin=subprocess.PIPE, stdout=log, stderr=log,
    ) as server:  # fmt: skip
        assert server.stdin
        server.stdin.write(b"CREATE DATABASE wordpress;\n")
        server.stdin.close()
        try:
            _wait(database.exists, server)
            yield database
        finally:
            server.terminate()


@contextmanager
def _site(folder: Path, database: Path) -> Iterator[WordPress]:
    blog = folder / "blog"
    shutil.copytree(CORE, blog, ignore_dangling_symlinks=True)
    for name in ("wp-config.php", "console.php"):
        shutil.copy(HERE / name, blog)
    port = _free_port()
    environment = dict(os.environ) | {
        "WORDPRESS_SOCKET": str(database),
        "WORDPRESS_URL": f"http://127.0.0.1:{port}",
        "WORDPRESS_SECRET": secrets.token_hex(),
    }
    install = {
        "code": _INSTALL,
        "values": {"user": WordPress.user, "password": secrets.token_hex()},
    }
    subprocess.run(
        ["php", "-d", "sendmail_path=/bin/true", "console.php"],
        cwd=blog, env=environment, input=json.dumps(install).encode(), check=True,
    )  # fmt: skip
    site = WordPress(environment["WORDPRESS_URL"], blog, environment)
    log = (folder / "server.log").open("wb")
    with log, subprocess.Popen(
        ["php", "-d", "sendmail_path=/bin/true", "-S", f"127.0.0.1:{port}", "-t", blog],
        env=environment, stdout=log, stderr=log,
    ) as server:  # fmt: skip
        try:
            _wait(lambda: _answers(port), server)
            yield site
        finally:
            server.terminate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _wait(ready: Any, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert server.poll() is None, f"{server.args} has ended"
        assert time.monotonic() < end, f"{server.args} does not start"
        time.sleep(0.05)


@pytest.fixture
def wordpress(installed_wordpress: WordPress) -> WordPress:
    """A WordPress without any articles and comments."""
    installed_wordpress.empty()
    return installed_wordpress


@pytest.fixture
def key(wordpress: WordPress) -> str:
    """An application password of the blog's administrator."""
    return wordpress.key()


@pytest.fixture
def site(wordpress: WordPress, key: str) -> Iterator[Site]:
    """The blog as our program sees it."""
    with Site(wordpress.url, wordpress.user, key, Pace(rate=1000, tries=1)) as site:
        yield site


@pytest.fixture
def desk(store: Store, judges: Judges) -> Desk:
    """The desk over the same store."""
    return Desk(store, judges.classifier, judges.rules)


@dataclass
class Sync:
    """Pulls and pushes between the blog and the store, with the problems of all of them."""

    site: Site
    store: Store
    judges: Judges
    problems: list[Problem]

    def pull(self, *, again: float = 3, everything: bool = False) -> Pulled:
        """Pull once, as a command does."""
        pull = Pull(self.site, self.store, self.judges, tell=self.problems.append)
        return pull.run(pull.start(again=again, everything=everything))

    def push(self) -> Pushed:
        """Push once, as a command does."""
        pull = Pull(self.site, self.store, self.judges, tell=self.problems.append)
        pull.start(again=0)
        spam = self.judges.rules.rule_for(Label.SPAM).id
        return Push(self.site, self.store, pull, spam, tell=self.problems.append).run()

    def told(self) -> list[str]:
        """Give the problems there were since the last time."""
        told = [str(problem) for problem in self.problems]
        self.problems.clear()
        return told


@pytest.fixture
def sync(site: Site, store: Store, judges: Judges) -> Sync:
    """Pull and push between the blog and an empty store."""
    return Sync(site, store, judges, [])
