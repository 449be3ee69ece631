"""Headless Chromium, and a server for the pages of the tests."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from waiting import eventually

#: Every name below these domains is this machine, so that pages have real origins.
DOMAINS = ["*.example.com", "*.example.net"]
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-features=BackForwardCache,HttpsUpgrades",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--window-size=1200,900",
    "--host-resolver-rules=" + ", ".join(f"MAP {domain} 127.0.0.1" for domain in DOMAINS),
]


class Browser:
    """One browser with one window, without any cookies or memories."""

    def __init__(self, profile: Path):
        options = ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        self.driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    def quit(self) -> None:
        """Close it."""
        self.driver.quit()

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in the page and return its value."""
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, expression: str, what: str) -> Any:
        """Wait until a JavaScript expression has a true value, and return it."""
        return eventually(lambda: self.run(f"return {expression}"), what)

    def text(self, selector: str) -> str:
        """The text of the element, empty where there is none."""
        text: str = self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)
        return text

    def wait_for_text(self, selector: str, part: str) -> str:
        """Wait until the element's text contains `part`, and return all of it."""
        eventually(lambda: part in self.text(selector), f"{part!r} in {selector}")
        return self.text(selector)

    def console(self) -> list[dict[str, Any]]:
        """What the page has written to the console since the last time."""
        lines: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return lines

    def evidence(self, directory: Path) -> str:
        """A screenshot in `directory`, and in words where it is and what the browser's console has."""
        path = directory / "browser.png"
        self.driver.save_screenshot(str(path))
        console = "\n".join(line["message"] for line in self.console())
        return f"{self.driver.current_url}\nscreenshot: {path}\n{console}"


class PageServer:
    """Serves one page, empty but for its title, under any name and path; with the cookies that it is to set."""

    def __init__(self, *cookies: str):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for cookie in cookies:
                    self.send_header("Set-Cookie", cookie)
                self.end_headers()
                self.wfile.write(b'<!doctype html><title>test</title><link rel="icon" href="data:,">')

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
