"""A ticket's clocks: when each began, what it has counted, when it is due. Pure: the hours and the time are given.

What the clocks do follows from three facts of the ticket: whether it is open, whether the customer waits for us,
and whether somebody has just answered. A clock counts only while the ticket is open and the customer waits. It
counts by the hours that are in force when somebody looks: while it runs only its beginning is kept, so changed hours
hold for the whole stretch since it last stood still.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.hours.calendar import Calendar
from tickets.sla.models import Kind, Policy, State

RESPONSES = (Kind.FIRST, Kind.NEXT)


@dataclass(slots=True)
class Clock:
    """target, warn, spent: in counted seconds. since: it has been running from then on; None: it stands still."""

    started_at: datetime
    target: int
    warn: int | None = None
    spent: float = 0.0
    since: datetime | None = None
    due_at: datetime | None = None
    """None while it stands still, and where the hours never open."""
    warn_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    met_at: datetime | None = None
    """When it was answered or resolved, in time or not."""

    @property
    def unfinished(self) -> bool:
        return self.met_at is None

    def counted(self, now: datetime, calendar: Calendar | None) -> float:
        return self.spent + (0.0 if self.since is None else elapsed(calendar, self.since, now))

    def run(self, now: datetime, calendar: Calendar | None) -> None:
        self.since = self.since or now
        self.due_at = after(calendar, self.since, self.target - self.spent)
        self.warn_at = None if self.warn is None else after(calendar, self.since, self.warn - self.spent)

    def stop(self, now: datetime, calendar: Calendar | None) -> None:
        self.spent = self.counted(now, calendar)
        self.since = self.due_at = self.warn_at = None

    def aim(self, target: int, warn: int | None, now: datetime, calendar: Calendar | None) -> None:
        """Another target, and the time that was counted stays. What is not late by it any more is not marked late."""
        if (target, warn) == (self.target, self.warn):
            return
        self.target, self.warn = target, warn
        counted = self.counted(now, calendar)
        if counted < target:
            self.breached_at = None
        if warn is None or counted < warn:
            self.warned_at = None
        if self.since is not None:
            self.run(now, calendar)


@dataclass(slots=True)
class Clocks:
    """policy: its id. pinned: a rule or a person chose it; a change of team or priority does not choose again."""

    policy: int
    name: str
    pinned: bool = False
    business: bool = True
    answered: bool = False
    clocks: dict[str, Clock] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: Policy, *, pinned: bool = False, answered: bool = False) -> Clocks:
        return cls(policy.pk, policy.name, pinned, policy.business, answered)

    # ── As it is stored in the ticket's row ──────────────────────────────────────────────────

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Clocks:
        # In one order: PostgreSQL keeps none.
        found = stored.get("clocks", {})
        clocks = {str(kind): _clock(found[kind]) for kind in Kind.values if kind in found}
        return cls(**{**{name: stored[name] for name in _NAMES if name in stored}, "clocks": clocks})

    def dump(self) -> dict[str, Any]:
        def plain(value: Any) -> Any:
            return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value

        clocks = {
            kind: {name: plain(value) for name, value in asdict(clock).items() if value is not None}
            for kind, clock in self.clocks.items()
        }
        return {**{name: getattr(self, name) for name in _NAMES}, "clocks": clocks}

    # ── What the ticket's columns say ────────────────────────────────────────────────────────

    def unfinished(self) -> list[tuple[str, Clock]]:
        return [(kind, clock) for kind, clock in self.clocks.items() if clock.unfinished]

    def due_at(self) -> datetime | None:
        """Of the clock that ends first among those that run."""
        return min((clock.due_at for _kind, clock in self.unfinished() if clock.due_at), default=None)

    def look_at(self) -> datetime | None:
        """When something has to be marked next."""
        times = [
            at
            for _kind, clock in self.unfinished()
            for at, marked in ((clock.warn_at, clock.warned_at or clock.breached_at), (clock.due_at, clock.breached_at))
            if at is not None and marked is None
        ]
        return min(times, default=None)

    def state(self) -> State:
        clocks = [clock for _kind, clock in self.unfinished()]
        if any(clock.breached_at for clock in clocks):
            return State.BREACHED
        if any(clock.warned_at for clock in clocks):
            return State.AT_RISK
        return State.RUNNING if clocks else State.NONE

    # ── What happens to them ─────────────────────────────────────────────────────────────────

    def follow(
        self,
        policy: Policy | None,
        priority: str,
        now: datetime,
        calendar: Calendar | None,
        *,
        is_open: bool,
        waits: bool,
        answered: bool = False,
        resolved: bool = False,
    ) -> list[tuple[str, Clock]]:
        """Bring all clocks to what is so now; gives those that came to their end by an answer or a resolution.

        policy: for the targets of clocks that begin; None: it is gone, and none begins.
        """
        ended = []
        if answered:
            ended += self._end(RESPONSES, now, calendar)
            self.answered = True
        if resolved:
            ended += self._end((Kind.RESOLUTION,), now, calendar)
        if resolved or not waits:
            # Nobody waits for that answer any more, and nobody gave it.
            for kind in RESPONSES:
                if kind in self.clocks and self.clocks[kind].unfinished:
                    del self.clocks[kind]
        if is_open and waits:
            for kind in (Kind.NEXT if self.answered else Kind.FIRST, Kind.RESOLUTION):
                self._run(kind, policy, priority, now, calendar)
        else:
            for _kind, clock in self.unfinished():
                if clock.since is not None:
                    clock.stop(now, calendar)
        return ended

    def _run(self, kind: str, policy: Policy | None, priority: str, now: datetime, calendar: Calendar | None) -> None:
        clock = self.clocks.get(kind)
        if clock is None or (not clock.unfinished and kind == Kind.NEXT):
            target = policy.target(priority, kind) if policy else None
            if policy is None or target is None:
                return
            clock = self.clocks[kind] = Clock(now, target, policy.warns_after(target))
        if clock.unfinished and clock.since is None:
            clock.run(now, calendar)

    def _end(self, kinds: tuple[str, ...], now: datetime, calendar: Calendar | None) -> list[tuple[str, Clock]]:
        ended = []
        for kind in kinds:
            clock = self.clocks.get(kind)
            if clock is not None and clock.unfinished:
                clock.stop(now, calendar)
                clock.met_at = now
                if clock.spent > clock.target and clock.breached_at is None:
                    # The timetable had not come to it yet.
                    clock.breached_at = now
                ended.append((kind, clock))
        return ended

    def aim(self, policy: Policy, priority: str, now: datetime, calendar: Calendar | None) -> None:
        """Another policy or priority: clocks that have not ended keep what they counted and get other targets."""
        self.policy, self.name = policy.pk, policy.name
        for kind, clock in self.unfinished():
            target = policy.target(priority, kind)
            if target is None:
                del self.clocks[kind]
            else:
                clock.aim(target, policy.warns_after(target), now, calendar)

    def settle(self, now: datetime, before: Calendar | None, after_: Calendar | None) -> None:
        """The ticket moves to other hours: what was counted by those before stays counted."""
        for _kind, clock in self.unfinished():
            if clock.since is not None:
                clock.stop(now, before)
                clock.run(now, after_)

    def mark(self, now: datetime, calendar: Calendar | None) -> list[tuple[str, str]]:
        """What is due by now: [("sla.warned" or "sla.breached", kind)]; each once. Times are worked out anew before."""
        marked = []
        for kind, clock in self.unfinished():
            if clock.since is None:
                continue
            clock.run(now, calendar)
            if clock.due_at is not None and clock.due_at <= now:
                if clock.breached_at is None:
                    clock.breached_at = clock.due_at
                    marked.append(("sla.breached", kind))
            elif clock.warn_at is not None and clock.warn_at <= now and clock.warned_at is None:
                clock.warned_at = now
                marked.append(("sla.warned", kind))
        return marked


_NAMES = ("policy", "name", "pinned", "business", "answered")
_TIMES = {"started_at", "since", "due_at", "warn_at", "warned_at", "breached_at", "met_at"}
_KNOWN = {one.name for one in fields(Clock)}


def _clock(given: dict[str, Any]) -> Clock:
    read: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in _TIMES else value
        for name, value in given.items()
        if name in _KNOWN
    }
    return Clock(**read)


def elapsed(calendar: Calendar | None, start: datetime, end: datetime) -> float:
    """Counted seconds; None: every second counts."""
    if calendar is None:
        return max((end - start).total_seconds(), 0.0)
    return calendar.between(start, end)


def after(calendar: Calendar | None, start: datetime, seconds: float) -> datetime | None:
    if calendar is None:
        return start + timedelta(seconds=seconds)
    return calendar.add(start, seconds)
