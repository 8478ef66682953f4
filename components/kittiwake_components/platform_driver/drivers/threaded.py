"""Drivers over libraries that are built on asyncio: one thread for all devices of a type, and what they share.

Such libraries open their own sockets and keep time by asyncio, past the injected platform; so they are for real
machines alone. Their devices are tried against real ones in processes, not in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from kittiwake_components.asyncio_thread import AsyncioThread, Errands
from kittiwake_components.platform_driver.drivers.interface import (
    DeviceAddress,
    Done,
    Driver,
    DriverFault,
    DriverServices,
    NotSupported,
    Unreachable,
)

if TYPE_CHECKING:
    from kittiwake.platform.interface import Platform

Session = TypeVar("Session")


class SharedThread:
    """The thread of one type of driver; it ends with its last user. All but `common` is for the deployment's loop."""

    THREAD_SIDE = ("_common",)

    def __init__(self, driver_type: str, platform: Platform) -> None:
        self.thread = AsyncioThread(driver_type, platform)
        self._type = driver_type
        self._users = 0
        self._common: Any = None

    @staticmethod
    def taken(driver_type: str, services: DriverServices) -> SharedThread:
        """The one of these services, for one more user."""
        shared = services.shared.get(driver_type)
        if shared is None:
            shared = services.shared[driver_type] = SharedThread(driver_type, services.platform)
        assert isinstance(shared, SharedThread)
        shared._users += 1
        return shared

    def give_back(self, services: DriverServices) -> None:
        """One user less."""
        self._users -= 1
        if not self._users:
            self.thread.stop()
            if services.shared.get(self._type) is self:
                del services.shared[self._type]

    def common(self, make: Callable[[], Any]) -> Any:
        """What the type's devices share, made by the first that asks; in the thread only."""
        if self._common is None:
            try:
                self._common = make()
            except ImportError as fault:
                raise Unreachable(f"a library is missing (pip install 'kittiwake[building]'): {fault}") from None
        return self._common


class ThreadedDriver(Driver, Generic[Session]):
    """A driver whose session lives in the shared thread of its type; `close` cancels what still runs."""

    THREAD_SIDE = ("_session",)

    MAKE_COMMON: ClassVar[Callable[[], Any]]
    """Makes what the devices of the type share. It is called in the thread, so it may import what is slow."""

    def __init__(self, device: DeviceAddress, services: DriverServices) -> None:
        super().__init__(device, services)
        self._shared: SharedThread | None = None
        self._errands: Errands | None = None
        self._session: Session | None = None

    async def connect(self, common: Any) -> Session:
        """Begins the session. Raises `DriverFault`; then nothing is kept."""
        raise NotImplementedError

    async def disconnect(self, common: Any, session: Session) -> None:
        """Gives the session back, also one whose device is silent."""
        raise NotImplementedError

    def open(self, done: Done[None]) -> None:
        if not self.services.platform.has_threads:
            done(NotSupported(f"{self.TYPE} needs real time; in a simulation use the driver `simulated`"))
            return
        shared = self._shared = SharedThread.taken(self.TYPE, self.services)
        self._errands = Errands(shared.thread)

        async def work() -> None:
            self._session = await self.connect(shared.common(type(self).MAKE_COMMON))

        self._errands.begin(work, lambda result: done(answer_of(result)))

    def begin(self, work: Callable[[Session], Coroutine[Any, Any, Any]], done: Done[Any]) -> None:
        """Does some work with the session, in the thread."""
        if self._errands is None:
            done(Unreachable("the device is not open"))
            return

        async def with_session() -> Any:
            if self._session is None:
                raise Unreachable("the device is not open")
            return await work(self._session)

        self._errands.begin(with_session, lambda result: done(answer_of(result)))

    def close(self, done: Done[None]) -> None:
        shared, self._shared = self._shared, None
        errands, self._errands = self._errands, None
        if shared is None or errands is None:
            done(None)
            return

        async def work() -> None:
            session, self._session = self._session, None
            if session is not None:
                await self.disconnect(shared.common(type(self).MAKE_COMMON), session)

        give_back = self.services.inlet(partial(shared.give_back, self.services)).give

        def finish(result: Any) -> None:
            give_back()
            done(answer_of(result))

        errands.end(work, finish)

    @classmethod
    def in_thread(
        cls, work: Callable[[Any], Coroutine[Any, Any, Any]], services: DriverServices, done: Done[Any]
    ) -> None:
        """Does some work with what the type's devices share, without a session."""
        if not services.platform.has_threads:
            done(NotSupported(f"{cls.TYPE} needs real time"))
            return
        shared = SharedThread.taken(cls.TYPE, services)

        async def with_common() -> Any:
            return await work(shared.common(cls.MAKE_COMMON))

        give_back = services.inlet(partial(shared.give_back, services)).give

        def finish(result: Any) -> None:
            give_back()
            done(answer_of(result))

        shared.thread.begin(with_common, finish)


def answer_of(result: Any) -> Any:
    """A result as `done` wants it: what a library raised is made a fault of the driver."""
    if isinstance(result, BaseException) and not isinstance(result, DriverFault):
        return Unreachable(": ".join([text for text in (type(result).__name__, str(result)) if text]))
    return result
