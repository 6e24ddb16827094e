"""Signing in by a provider, in a real browser between a real service and a real provider."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from tests import openid
from tests.e2e.conftest import violations
from tools.browser import ROOT

from tongdan.adapters.credentials_file import write_credentials
from tongdan.adapters.oidc import CREDENTIAL

pytestmark = pytest.mark.server

START_S = 60


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that people sign in to by a provider; its address."""
    place = tmp_path_factory.mktemp("sign-in")
    ours = free_port()
    with openid.running() as issuer:
        url = f"http://127.0.0.1:{ours}"
        groups = [
            {"group": "tongdan-admin", "role": "admin"},
            {"group": "tongdan-service", "role": "service"},
        ]
        how = {"issuer": issuer, "client_id": openid.CLIENT, "public_url": url, "groups": groups}
        shutil.copytree(ROOT / "conf", place / "conf")
        (place / "conf" / "sign-in.yml").write_text(json.dumps(how))  # JSON is YAML
        (place / "data").mkdir(mode=0o700)
        secret = {CREDENTIAL: {"client_secret": openid.SECRET}}
        write_credentials(place / "data" / "credentials.json", secret)
        command = [str(Path(sys.executable).parent / "tongdan"), "serve", "--processes", "1"]
        where = ["--data", str(place / "data"), "--conf", str(place / "conf"), "--push-port", "0"]
        with subprocess.Popen(
            [*command, *where, "--api-port", str(ours)], cwd=ROOT, env=dict(os.environ)
        ) as process:
            until = time.monotonic() + START_S
            while not (place / "data" / "serving.json").exists():
                assert process.poll() is None and time.monotonic() < until, "the service did not start"
                time.sleep(0.1)
            yield url
            process.terminate()


@pytest.fixture
def page(browser: Browser, service: str) -> Iterator[Page]:
    context = browser.new_context(base_url=service, viewport={"width": 1280, "height": 800})
    page, faults = context.new_page(), list[str]()

    def heard(told: ConsoleMessage) -> None:
        if told.type in ("error", "warning") and told.location["url"].startswith(service):
            faults.append(told.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert faults == []
    context.close()


def test_somebody_comes_back_to_the_page_that_was_wanted_and_leaves_everywhere(page: Page) -> None:
    page.goto("/orders?status=paid")
    page.get_by_role("link", name="使用企业账号登录").click()
    page.get_by_role("link", name="boss").click()
    expect(page).to_have_url(re.compile(r"/orders\?status=paid$"))
    expect(page.get_by_role("navigation")).to_be_visible()
    left = []
    page.on("request", lambda request: left.append(request.url) if "/logout" in request.url else None)
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("link", name="使用企业账号登录")).to_be_visible()
    assert len(left) == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whoever_is_in_no_group_is_told_so(page: Page, language: str) -> None:
    if language == "en":
        page.add_init_script("localStorage.setItem('tongdan.language', 'en')")
    page.goto("/")
    name = "使用企业账号登录" if language == "zh" else "Sign in with the company account"
    page.get_by_role("link", name=name).click()
    page.get_by_role("link", name="guest").click()
    told = "你所在的组在此没有权限" if language == "zh" else "None of your groups has rights here"
    expect(page.get_by_role("alert")).to_contain_text(told)
    expect(page.get_by_role("navigation")).to_have_count(0)
    assert violations(page) == []
