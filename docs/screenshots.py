"""``make screenshots``: pictures of the desk, taken with the demo in a real Chromium."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from moderation.app import create_app
from moderation.classifier import Classifier
from moderation.demo import MODERATOR, demo
from moderation.settings import Settings

FOLDER = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP = (1280, 900)
PHONE = (390, 844)
"""Width and height in CSS pixels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A view of the desk: which page, and how it is looked at."""

    name: str
    path: str
    size: tuple[int, int] = DESKTOP
    scale: float = 1.0
    dark: bool = False


PICTURES = (
    Picture("queue", "/queue?list=flagged&sort=-score"),
    Picture("comment", "/queue/a025-22"),
    Picture("histogram", "/range?list=flagged&rule=respekt&low=80&high=100"),
    Picture("dashboard", "/dashboard"),
    Picture("thresholds", "/thresholds?rule=respekt&percent=30"),
    Picture("phone", "/queue?list=flagged&sort=-score", size=PHONE, scale=2),
    Picture("dark", "/queue?list=uncertain", dark=True),
)


@contextmanager
def served_demo() -> Iterator[tuple[str, str]]:
    """Serve the demo from a folder of its own; gives the address and the moderator's password."""
    with TemporaryDirectory() as folder:
        os.environ["MODERATION_DATA_DIR"] = folder
        demo.main([], standalone_mode=False)
        settings = Settings()
        app = create_app(settings, classifier=Classifier.load(settings.model_dir))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            password = (settings.data_dir / "demo_password").read_text(encoding="utf-8")
            yield f"http://127.0.0.1:{server.server_port}", password
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            app.extensions["moderation"].store.close()


def log_in(tab: Page, password: str) -> None:
    """Log in as the demo's moderator."""
    tab.goto("/login")
    tab.get_by_label("Name").fill(MODERATOR)
    tab.get_by_label("Passwort").fill(password)
    tab.get_by_role("button", name="Anmelden").click()
    tab.wait_for_url("**/queue*")


def take(tab: Page, picture: Picture) -> None:
    """Take one picture."""
    answer = tab.goto(picture.path)
    if answer is None or not answer.ok:
        sys.exit(f"{picture.path} cannot be shown; no more pictures are taken.")
    tab.wait_for_load_state("networkidle")
    tab.screenshot(path=FOLDER / f"{picture.name}.png")


def main() -> None:
    """Take all pictures."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit("The pictures need Chromium. Run tests/bring-chromium.")
    with served_demo() as (address, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for picture in PICTURES:
            context = browser.new_context(
                base_url=address,
                locale="de-DE",
                viewport=ViewportSize(width=picture.size[0], height=picture.size[1]),
                device_scale_factor=picture.scale,
                color_scheme="dark" if picture.dark else "light",
                reduced_motion="reduce",
            )
            tab = context.new_page()
            log_in(tab, password)
            take(tab, picture)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
