"""The same client without asyncio: each method runs that of the asynchronous class on an event loop in a thread.

So it works where a loop runs already, as in a notebook. Callbacks (`progress`, functions that are waited for) run in
that thread, and must not call the client.
"""

from __future__ import annotations

import asyncio
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from kittiwake_ground.client.alarms import AsyncAlarms
from kittiwake_ground.client.asynchronous import AsyncGround
from kittiwake_ground.client.deployment import AsyncDeployment
from kittiwake_ground.client.looking_back import AsyncLookBack
from kittiwake_ground.client.parameters import AsyncParameters
from kittiwake_ground.client.passes import AsyncPasses, AsyncPlans
from kittiwake_ground.client.procedures import AsyncProcedures
from kittiwake_ground.configuration import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
    from pathlib import Path
    from types import TracebackType

    from kittiwake_ground.client.runlog import RunLog

A = TypeVar("A")
P = ParamSpec("P")
R = TypeVar("R")
STOP_TIMEOUT_S = 10.0


class LoopThread:
    """An event loop in a thread of its own, which does not keep the program alive."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kittiwake-ground-client", daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._loop.is_closed()

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Does something in the loop and gives its result. Interrupted, it gives the work up."""
        if self._loop.is_closed() or threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError(
                "the client is closed" if self._loop.is_closed() else "a callback may not call the client"
            )
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Ends what is under way, and the thread."""
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class Blocking(Generic[A]):
    """An asynchronous object with the loop that it lives in."""

    def __init__(self, inner: A, thread: LoopThread) -> None:
        self._inner = inner
        self._thread = thread


def blocking(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Blocking[A], P], R]:
    """The method that waits for what an asynchronous one gives."""

    @wraps(method)
    def call(self: Blocking[A], *arguments: P.args, **named: P.kwargs) -> R:
        return self._thread.run(method(self._inner, *arguments, **named))

    return cast("Callable[Concatenate[Blocking[A], P], R]", call)


def iterating(
    method: Callable[Concatenate[A, P], AsyncIterator[R]],
) -> Callable[Concatenate[Blocking[A], P], Iterator[R]]:
    """The method that iterates over what an asynchronous one does."""

    @wraps(method)
    def call(self: Blocking[A], *arguments: P.args, **named: P.kwargs) -> Iterator[R]:
        found = cast("AsyncGenerator[R, None]", method(self._inner, *arguments, **named))
        try:
            while True:
                try:
                    one = self._thread.run(_next(found))
                except StopAsyncIteration:
                    return
                yield one
        finally:
            if not self._thread.is_closed:
                self._thread.run(found.aclose())

    return cast("Callable[Concatenate[Blocking[A], P], Iterator[R]]", call)


async def _next(found: AsyncIterator[R]) -> R:
    return await anext(found)


class Parameters(Blocking[AsyncParameters]):
    """The parameters of a deployment; see `AsyncParameters`."""

    all = blocking(AsyncParameters.all)
    get = blocking(AsyncParameters.get)
    set = blocking(AsyncParameters.set)
    save = blocking(AsyncParameters.save)
    refresh = blocking(AsyncParameters.refresh)
    differences = blocking(AsyncParameters.differences)
    diff = blocking(AsyncParameters.diff)


class LookBack(Blocking[AsyncLookBack]):
    """The past of a deployment; see `AsyncLookBack`."""

    at = blocking(AsyncLookBack.at)
    timeline = blocking(AsyncLookBack.timeline)
    layouts = blocking(AsyncLookBack.layouts)
    save_layout = blocking(AsyncLookBack.save_layout)
    remove_layout = blocking(AsyncLookBack.remove_layout)
    redecode = blocking(AsyncLookBack.redecode)
    replay = iterating(AsyncLookBack.replay)


class Alarms(Blocking[AsyncAlarms]):
    """The alarms of a deployment, its limits and derived channels; see `AsyncAlarms`."""

    current = blocking(AsyncAlarms.current)
    history = blocking(AsyncAlarms.history)
    acknowledge = blocking(AsyncAlarms.acknowledge)
    acknowledge_all = blocking(AsyncAlarms.acknowledge_all)
    comment = blocking(AsyncAlarms.comment)
    shelve = blocking(AsyncAlarms.shelve)
    unshelve = blocking(AsyncAlarms.unshelve)
    all_limits = blocking(AsyncAlarms.all_limits)
    limits = blocking(AsyncAlarms.limits)
    set_limits = blocking(AsyncAlarms.set_limits)
    remove_limits = blocking(AsyncAlarms.remove_limits)
    all_derived = blocking(AsyncAlarms.all_derived)
    derive = blocking(AsyncAlarms.derive)
    remove_derived = blocking(AsyncAlarms.remove_derived)


class Passes(Blocking[AsyncPasses]):
    """When a deployment can be reached, and what fits into that; see `AsyncPasses`."""

    coming = blocking(AsyncPasses.coming)
    contacts = blocking(AsyncPasses.contacts)
    add = blocking(AsyncPasses.add)
    take_file = blocking(AsyncPasses.take_file)
    remove = blocking(AsyncPasses.remove)
    outcomes = blocking(AsyncPasses.outcomes)
    budget = blocking(AsyncPasses.budget)


class Plans(Blocking[AsyncPlans]):
    """What is sent later; see `AsyncPlans`."""

    all = blocking(AsyncPlans.all)
    get = blocking(AsyncPlans.get)
    command = blocking(AsyncPlans.command)
    sequence = blocking(AsyncPlans.sequence)
    upload = blocking(AsyncPlans.upload)
    change = blocking(AsyncPlans.change)
    cancel = blocking(AsyncPlans.cancel)
    wait = blocking(AsyncPlans.wait)


class Procedures(Blocking[AsyncProcedures]):
    """The procedures of a ground station; see `AsyncProcedures`."""

    all = blocking(AsyncProcedures.all)
    start = blocking(AsyncProcedures.start)
    runs = blocking(AsyncProcedures.runs)
    run = blocking(AsyncProcedures.run)
    stop = blocking(AsyncProcedures.stop)
    log = blocking(AsyncProcedures.log)
    output = blocking(AsyncProcedures.output)
    follow = iterating(AsyncProcedures.follow)


class Deployment(Blocking[AsyncDeployment]):
    """A deployment of a ground station; see `AsyncDeployment`."""

    @property
    def name(self) -> str:
        """What it is called on the server."""
        return self._inner.name

    @property
    def parameters(self) -> Parameters:
        """Its parameters."""
        return Parameters(self._inner.parameters, self._thread)

    @property
    def past(self) -> LookBack:
        """What was."""
        return LookBack(self._inner.past, self._thread)

    @property
    def alarms(self) -> Alarms:
        """Its alarms, limits and derived channels."""
        return Alarms(self._inner.alarms, self._thread)

    @property
    def passes(self) -> Passes:
        """When it can be reached, and what fits into that."""
        return Passes(self._inner.passes, self._thread)

    @property
    def plans(self) -> Plans:
        """What is sent later."""
        return Plans(self._inner.plans, self._thread)

    request = blocking(AsyncDeployment.request)
    state = blocking(AsyncDeployment.state)
    link = blocking(AsyncDeployment.link)
    dictionary = blocking(AsyncDeployment.dictionary)
    send = blocking(AsyncDeployment.send)
    answer = blocking(AsyncDeployment.answer)
    command = blocking(AsyncDeployment.command)
    commands = blocking(AsyncDeployment.commands)
    channel = blocking(AsyncDeployment.channel)
    channels = blocking(AsyncDeployment.channels)
    history = blocking(AsyncDeployment.history)
    export = blocking(AsyncDeployment.export)
    events = blocking(AsyncDeployment.events)
    watch = iterating(AsyncDeployment.watch)
    wait_for = blocking(AsyncDeployment.wait_for)
    expect = blocking(AsyncDeployment.expect)
    upload = blocking(AsyncDeployment.upload)
    download = blocking(AsyncDeployment.download)
    read = blocking(AsyncDeployment.read)
    transfers = blocking(AsyncDeployment.transfers)
    save = blocking(AsyncDeployment.save)
    run_sequence = blocking(AsyncDeployment.run_sequence)
    upload_sequence = blocking(AsyncDeployment.upload_sequence)
    compile_sequence = blocking(AsyncDeployment.compile_sequence)
    run = blocking(AsyncDeployment.run)
    runs = blocking(AsyncDeployment.runs)
    stop_sequence = blocking(AsyncDeployment.stop_sequence)
    follow = iterating(AsyncDeployment.follow)


class Ground(Blocking[AsyncGround]):
    """A client of a ground station's server; close it, or enter it as a context. See `AsyncGround`."""

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None) -> None:
        """Connects to nothing yet. Raises `ValueError` for something that is no address."""
        super().__init__(AsyncGround(url, token), LoopThread())

    @property
    def url(self) -> str:
        """The server's address."""
        return self._inner.url

    def __enter__(self) -> Ground:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what is under way and gives the connections back."""
        if not self._thread.is_closed:
            self._thread.run(self._inner.close())
            self._thread.close()

    request = blocking(AsyncGround.request)
    health = blocking(AsyncGround.health)
    deployments = blocking(AsyncGround.deployments)
    query = blocking(AsyncGround.query)
    export_parquet = blocking(AsyncGround.export_parquet)
    links = blocking(AsyncGround.links)
    fleet = blocking(AsyncGround.fleet)

    def deployment(self, name: str = "") -> Deployment:
        """A deployment, or the only one. Raises `ServerUnreachable`, and `RequestRefused` if there is no such one."""
        return Deployment(self._thread.run(self._inner.deployment(name)), self._thread)

    @property
    def procedures(self) -> Procedures:
        """The procedures that the server runs."""
        return Procedures(self._inner.procedures, self._thread)

    def procedure(self, name: str, folder: str | Path, **about: Any) -> RunLog:
        """A run log in `folder`, to be entered as a context: all that is done meanwhile is written to it.

        `about` are more members of its first entry.
        Raises `ValueError` for a name that is no file name, and `RuntimeError` while another one is open.
        """
        return self._inner.procedure(name, folder, **about)
