"""Dagster's UI, opened by ``samandel up``, in a real browser: every step of the house is in the asset graph."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import SAMANDEL, make_demo, run

pytestmark = pytest.mark.system
GROUPS = ("landed", "parsed", "warehouse", "gate", "releases")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("ui") / "home"
    make_demo(home, "--municipalities", "3", "--months", "2", "--scale", "0.01")
    run(home)
    port = _free_port()
    server = subprocess.Popen(
        [*SAMANDEL, "up", "--home", str(home), "--port", str(port)],
        stdout=(home / "up.txt").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, server)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, "the UI ended by itself"
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the UI did not answer")


def test_the_asset_graph_shows_every_group(ui: str, tmp_path: Path) -> None:
    browser_path = shutil.which("chromium")
    if browser_path is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=arguments)
        page = browser.new_page(viewport={"width": 1800, "height": 1100})
        # The page never stops asking for news: what is waited for is what a person would look for.
        page.goto(f"{ui}/asset-groups", wait_until="domcontentloaded")
        for group in GROUPS:
            page.get_by_text(group, exact=True).first.wait_for(timeout=60_000)
        assert page.get_by_text("Join the Dagster community").count() == 0
        folder = Path(os.environ.get("SAMANDEL_SCREENSHOTS", tmp_path))
        folder.mkdir(parents=True, exist_ok=True)
        screenshot = folder / "asset_graph.png"
        page.screenshot(path=str(screenshot))
        assert screenshot.stat().st_size > 20_000
        browser.close()
