"""A headless Chromium that the tests click through the dashboard with."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from selenium.common.exceptions import ElementClickInterceptedException, StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from selenium.webdriver.remote.webelement import WebElement

WIDE = (1440, 900)
NARROW = (390, 844)
TIMEOUT_S = 60.0
T = TypeVar("T")


class BrowserMissing(FileNotFoundError):
    """Chromium or its driver is not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(f"no {program}: run `make browser` as root, or install Chromium and its driver")
        self.program = program


class Browser:
    """One browser with one page. `host_rules` of Chromium let it reach nothing but this machine."""

    def __init__(self, downloads: Path | None = None) -> None:
        """Starts it. Raises `BrowserMissing`."""
        chromium, driver = find_programs()
        options = ChromeOptions()
        options.binary_location = chromium
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--force-color-profile=srgb", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ):  # fmt: skip
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if downloads is not None:
            options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        self.driver = Chrome(options=options, service=Service(driver))
        self.driver.set_page_load_timeout(60)
        self.resize(*WIDE)
        self.set_dark(False)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the browser."""
        self.driver.quit()

    def resize(self, width: int, height: int) -> None:
        """Gives the page a size in pixels, as a screen of that size would."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def set_dark(self, dark: bool) -> None:
        """Says what the system prefers: that scheme and, always, no motion, as what moves is not hit by a click."""
        preferred = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in preferred.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url: str) -> None:
        """Loads a page and waits until it is connected to its server."""
        self.driver.get(url)
        self.until(
            lambda: self.script("return !window.socket || window.socket.connected === true"), f"{url} did not connect"
        )

    def script(self, text: str, *arguments: Any) -> Any:
        """Runs JavaScript in the page and gives what it returns."""
        return self.driver.execute_script(text, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        """The elements of a CSS selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def find(self, selector: str) -> WebElement:
        """The first visible element of a CSS selector, waited for."""
        return self.until(lambda: [one for one in self.all(selector) if one.is_displayed()], f"no {selector}")[0]

    def click(self, selector: str) -> None:
        """Clicks the first visible element of a CSS selector.

        It is tried again if it is drawn anew just then, or while something lies over it that goes away.
        """

        def clicked() -> bool:
            self.find(selector).click()
            return True

        self.until(clicked, f"no {selector} to click")

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return str(self.script("return document.body.innerText"))

    def await_text(self, text: str, timeout_s: float = TIMEOUT_S) -> None:
        """Waits until the page shows a text."""
        self.until(lambda: text in self.text, f"the page does not show {text!r}", timeout_s)

    def await_address(self, end: str) -> None:
        """Waits until the page's address ends in `end`, whatever it asks for."""
        self.until(lambda: self.driver.current_url.split("?")[0].endswith(end), f"the address does not end in {end}")

    def until(self, condition: Callable[[], T], message: str, timeout_s: float = TIMEOUT_S) -> T:
        """Waits until a condition holds, and gives its value."""
        # What is being drawn anew at the moment is looked at again.
        passing = [StaleElementReferenceException, ElementClickInterceptedException]
        wait = WebDriverWait(self.driver, timeout_s, 0.1, passing)
        return wait.until(lambda _: condition(), message)

    @contextmanager
    def without_complaints(self) -> Iterator[None]:
        """Begins with a wide, light window, and holds that no page writes to its console meanwhile."""
        self.resize(*WIDE)
        self.set_dark(False)
        self.complaints()
        yield
        assert self.complaints() == []

    def complaints(self) -> list[str]:
        """What the page wrote to its console since this was last asked, warnings and errors."""
        log: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(one["message"]) for one in log if one["level"] in ("WARNING", "SEVERE")]


def find_programs() -> tuple[str, str]:
    """The paths of Chromium and of its driver. Raises `BrowserMissing`."""
    return _find("chromium", "chromium-browser", "google-chrome"), _find("chromedriver")


def _find(*names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise BrowserMissing(names[0])
