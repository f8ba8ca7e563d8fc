"""The sender's report in a real browser: it shows what it says, asks for nothing else, and fits a narrow screen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
PAGE = Path(__file__).resolve().parents[1] / "golden" / "reports" / "ledger_with_rejects.html"


def test_the_report_stands_alone_in_a_browser(tmp_path: Path) -> None:
    browser_path = shutil.which("chromium")
    if browser_path is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=arguments)
        page = browser.new_page(viewport={"width": 390, "height": 800}, java_script_enabled=True)
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(PAGE.as_uri())
        page.get_by_role("heading", name="Kvittering for leveranse", exact=False).wait_for()
        page.get_by_role("img", name="Søylediagram", exact=False).wait_for()
        assert page.get_by_role("table").count() >= 4
        assert asked == [PAGE.as_uri()], "the page needs nothing but itself"
        assert said == []
        page.set_viewport_size({"width": 1000, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        folder = Path(os.environ.get("SAMANDEL_SCREENSHOTS", tmp_path))
        folder.mkdir(parents=True, exist_ok=True)
        screenshot = folder / "sender_report.png"
        page.screenshot(path=str(screenshot), full_page=True)
        assert screenshot.stat().st_size > 20_000
        browser.close()
