"""dbt's documentation in a real browser: a model's words, columns and lineage, from one page that stands alone."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.warehouse.docs_page import write_docs

pytestmark = pytest.mark.system


# The page's own template: icons whose address its framework has not filled in yet.
UNFILLED = ("%7B", "{{")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_page_shows_a_model_and_its_lineage_and_asks_for_nothing(tmp_path: Path) -> None:
    browser_path = shutil.which("chromium")
    if browser_path is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
    document = write_docs(folder=tmp_path / "docs")
    with served(document.parent) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=arguments)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(120_000)  # all of the project is in the page
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda told: wrong.append(f"{told.text} {told.location}") if told.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{address}/{document.name}#!/overview", wait_until="domcontentloaded")
        page.get_by_text("How a purchase counts once").first.wait_for()
        page.goto(f"{address}/{document.name}#!/model/model.samandel.fct_purchases", wait_until="domcontentloaded")
        page.get_by_text("Every line of spend exactly once", exact=False).first.wait_for()
        page.get_by_text("purchase_line_id", exact=True).first.wait_for()
        page.get_by_title("View Lineage Graph").click()
        page.get_by_role("heading", name="Lineage Graph").first.wait_for()
        # The graph is drawn on canvases, a node is no element: something dark enough is on one of them.
        page.wait_for_function(
            """[...document.querySelectorAll('canvas')].some(canvas => {
                const drawn = canvas.width && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                return drawn && drawn.data.some((value, place) => place % 4 === 3 && value > 200);
            })"""
        )
        folder = Path(os.environ.get("SAMANDEL_SCREENSHOTS", tmp_path))
        folder.mkdir(parents=True, exist_ok=True)
        screenshot = folder / "dbt_lineage.png"
        page.screenshot(path=str(screenshot))
        assert screenshot.stat().st_size > 20_000
        assert [text for text in wrong if not any(sign in text for sign in UNFILLED)] == []
        assert [url for url in asked if not url.startswith((f"{address}/", "data:", "blob:"))] == []
        browser.close()
