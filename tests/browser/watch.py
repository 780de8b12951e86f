"""Listens to browser windows for what nobody sees: errors, refused content, requests to elsewhere."""

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response


class Watch:
    """What went wrong in the windows, except what the test expects."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.expected: set[int] = set()
        self._expected_failure = ""

    def expect(self, *statuses: int) -> None:
        """These status codes are part of the test."""
        self.expected.update(statuses)

    def expect_failure(self, reason: str) -> None:
        """Requests that fail for this reason, such as `net::ERR_ABORTED`, are part of the test."""
        self._expected_failure = reason

    def follow(self, context: BrowserContext) -> None:
        """Listens to all pages of a context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"script: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("request", self._request)
        context.on("response", self._response)

    def asked_for(self, part: str) -> list[str]:
        """The addresses asked for so far that have this in them."""
        return [address for address in self.requests if part in address]

    def _console(self, message: ConsoleMessage) -> None:
        # What failed to load is told more exactly by the response and by the request.
        is_load = message.text.startswith("Failed to load resource")
        # htmx's own words for the same.
        is_htmx = message.text.startswith(("Response Status Error Code", "htmx:"))
        if (
            message.type in {"error", "warning"}
            and not is_load
            and not (is_htmx and (self.expected or self._expected_failure))
        ):
            self.problems.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # A page that is left at once may still be fetching its icon.
        is_icon = "/console/icon." in request.url and request.failure == "net::ERR_ABORTED"
        if not is_icon and (not self._expected_failure or request.failure != self._expected_failure):
            self.problems.append(f"failed: {request.url}: {request.failure}")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((f"{self.url}/", "data:")):
            self.problems.append(f"elsewhere: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.problems.append(f"{response.status}: {response.url}")


def stored(page: Page) -> dict[str, str]:
    """All that the browser has stored for our pages, apart from cookies."""
    found: dict[str, str] = page.evaluate("({...localStorage, ...sessionStorage})")
    return found
