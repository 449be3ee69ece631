"""The client library in a page: loads it, starts streams with every callback noted, and tells what came."""

from __future__ import annotations

from typing import Any

from browser import Browser

LOAD = """
    const [address, done] = arguments;
    const names = ['onRoutingStarted', 'onRoutingCompleted', 'onAgentExecutionStarted', 'onResponseChunk',
        'onCompleted', 'onError', 'onStatus', 'onEvent'];
    const plain = (value) => value instanceof Error
        ? {message: value.message, reason: value.reason, source: value.source, status: value.status,
           limit: value.limit, retryAfter: value.retryAfter}
        : value;
    window.streams = {};
    window.follow = (name, start) => {
        const it = {told: [], ids: [], outcome: null};
        const callbacks = Object.fromEntries(names.map((each) => [each, (...values) => {
            if (each === 'onEvent') it.ids.push(values[0].id);
            it.told.push([each, ...values.map(plain)]);
        }]));
        it.handle = start(callbacks);
        it.handle.done.then(({error, ...outcome}) => { it.outcome = {...outcome, error: plain(error)}; });
        streams[name] = it;
    };
    import(address).then((library) => { window.library = library; done(''); }, (error) => done(String(error)));
"""


class Library:
    """The library in the page that the browser shows."""

    def __init__(self, browser: Browser, address: str = "/_sluice/client.js"):
        self.browser = browser
        problem = browser.driver.execute_async_script(LOAD, address)
        assert problem == "", problem

    def ask(self, message: object, name: str = "a", **options: object) -> None:
        """Start a stream under a name."""
        self.browser.run(
            "const [message, name, options] = arguments;"
            "follow(name, (callbacks) => library.processMessageStream(message, callbacks, options))",
            message,
            name,
            options,
        )

    def join(self, run: str, name: str = "a", **options: object) -> None:
        """Join a run under a name."""
        self.browser.run(
            "const [run, name, options] = arguments;"
            "follow(name, (callbacks) => library.joinRun(run, callbacks, options))",
            run,
            name,
            options,
        )

    def get(self, expression: str, name: str = "a") -> Any:
        """The value of an expression in `it`, a stream with its notes."""
        return self.browser.run(f"const it = streams[arguments[0]]; return {expression}", name)

    def wait_for(self, expression: str, what: str, name: str = "a") -> Any:
        """Wait until an expression in `it` has a true value."""
        return self.browser.wait_for(f"(({{[{name!r}]: it}}) => {expression})(streams)", what)

    def outcome(self, name: str = "a") -> dict[str, Any]:
        """How a stream has ended, waited for."""
        outcome: dict[str, Any] = self.wait_for("it.outcome", f"the stream {name!r} is over", name)
        return outcome

    def callbacks(self, name: str = "a") -> list[str]:
        """The callbacks that were called, in their order, those for every event and status left out."""
        names: list[str] = self.get("it.told.map(([each]) => each)", name)
        return [each for each in names if each not in ("onEvent", "onStatus")]

    def statuses(self, name: str = "a") -> list[str]:
        """The statuses that were told."""
        statuses: list[str] = self.get(
            "it.told.filter(([each]) => each === 'onStatus').map(([, value]) => value)", name
        )
        return statuses
