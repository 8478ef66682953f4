"""Greets radio amateurs: a joke for whoever asks."""

from __future__ import annotations

from kittiwake.model import ACTIVITY_HI, U32, Channel, PassiveComponent, command, event

JOKES = 16


class AmateurRadio(PassiveComponent):
    """Tells jokes (PROVES AmateurRadio). Each joke is an event without arguments, so that it costs few bytes."""

    count_names = Channel(U32, on_change=True, name="count_names", doc="Jokes told.")

    @event(ACTIVITY_HI, "Why did the satellite break up with the antenna? It needed space.")
    def joke0(self) -> None: ...

    @event(ACTIVITY_HI, "I would tell you a UDP joke, but you might not get it.")
    def joke1(self) -> None: ...

    @event(ACTIVITY_HI, "My favourite orbit? Low maintenance.")
    def joke2(self) -> None: ...

    @event(ACTIVITY_HI, "Sixteen sunrises a day, and still not a morning person.")
    def joke3(self) -> None: ...

    @event(ACTIVITY_HI, "They said: reach for the stars. I stopped at 500 km.")
    def joke4(self) -> None: ...

    @event(ACTIVITY_HI, "I have no body to go with. Ten centimetres, actually.")
    def joke5(self) -> None: ...

    @event(ACTIVITY_HI, "The kingfisher dives. I hope that I do not.")
    def joke6(self) -> None: ...

    @event(ACTIVITY_HI, "Eclipse again. Somebody forgot to pay the Sun.")
    def joke7(self) -> None: ...

    @event(ACTIVITY_HI, "73 from up here. Down there it is only 72.")
    def joke8(self) -> None: ...

    @event(ACTIVITY_HI, "I tumble for you.")
    def joke9(self) -> None: ...

    @event(ACTIVITY_HI, "My watchdog has never bitten anybody. It only resets them.")
    def joke10(self) -> None: ...

    @event(ACTIVITY_HI, "I am not lost. My elements are two weeks old.")
    def joke11(self) -> None: ...

    @event(ACTIVITY_HI, "A bit flipped. Now I like country music.")
    def joke12(self) -> None: ...

    @event(ACTIVITY_HI, "Speak up! You are breaking up over the horizon.")
    def joke13(self) -> None: ...

    @event(ACTIVITY_HI, "Spreading factor 12: at last somebody who lets me finish.")
    def joke14(self) -> None: ...

    @event(ACTIVITY_HI, "In space nobody can hear you. Use a bigger dish.")
    def joke15(self) -> None: ...

    def initialize(self) -> None:
        self._told = 0

    @command
    def tell_joke(self) -> None:
        """Tells one of the jokes."""
        number = min(int(self.platform.random.uniform(0.0, JOKES)), JOKES - 1)
        getattr(self, f"joke{number}")()
        self._told += 1
        self.count_names = self._told & 0xFFFFFFFF
