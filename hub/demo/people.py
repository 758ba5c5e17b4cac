"""Who works on the demo desk. Passwords and keys follow from SECRET_KEY, so none is kept in clear."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import make_password

from agents.models import TOKEN_PREFIX, Agent, Team, Token

OURS = "Toko Rasa"
OTHERS = "Grosir"
# Without those that look alike when copied from a terminal by hand.
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Person:
    name: str
    role: str
    team: str

    @property
    def email(self) -> str:
        return f"{self.name.lower()}@pelanggan.example"

    @property
    def password(self) -> str:
        letters = "".join(LETTERS[byte % len(LETTERS)] for byte in derive(f"password {self.email}")[:16])
        return "-".join(letters[start : start + 4] for start in range(0, 16, 4))

    @property
    def token(self) -> str:
        return TOKEN_PREFIX + base64.urlsafe_b64encode(derive(f"token {self.email}")).decode().rstrip("=")

    @property
    def salt(self) -> str:
        return derive(f"salt {self.email}").hex()[:32]

    def has_demo_password(self, agent: Agent) -> bool:
        """The salt tells it at once; only after a change of Django's hasher is it worked out."""
        return f"${self.salt}$" in agent.password or agent.check_password(self.password)


PEOPLE = (
    Person("Ana", Agent.Role.ADMIN, OURS),
    Person("Bea", Agent.Role.AGENT, OURS),
    Person("Carl", Agent.Role.AGENT, OTHERS),
    Person("Lina", Agent.Role.LEAD, OURS),
)


def derive(label: str) -> bytes:
    """32 bytes that only this installation can know, the same at every call."""
    return hmac.digest(settings.SECRET_KEY.encode(), f"pelanggan demo: {label}".encode(), "sha256")


def hashes() -> dict[str, str]:
    """Slow on purpose, so worked out before the database is held, and only for those who are missing."""
    there = set(Agent.objects.filter(email__in=[one.email for one in PEOPLE]).values_list("email", flat=True))
    return {one.email: make_password(one.password, one.salt) for one in PEOPLE if one.email not in there}


def make_people(passwords: Mapping[str, str]) -> tuple[dict[str, Agent], bool]:
    """name → agent, and whether all of them are new. Who is there stays as their owner has made them."""
    found = {agent.email: agent for agent in Agent.objects.filter(email__in=[one.email for one in PEOPLE])}
    people = {}
    for one in PEOPLE:
        agent = found.get(one.email)
        if agent is None:
            hashed = passwords.get(one.email) or make_password(one.password, one.salt)
            agent = Agent.objects.create(email=one.email, name=one.name, role=one.role, password=hashed)
            agent.teams.add(_team(one.team))
        Token.issue(agent, "demo", one.token)
        people[one.name] = agent
    return people, not found


def _team(name: str) -> Team:
    return Team.objects.filter(name__iexact=name).first() or Team.objects.create(name=name)


def team_of(agent: Agent) -> Team:
    """Theirs; the demo's own where somebody has taken them out of every team."""
    return agent.teams.order_by("pk").first() or _team(OURS)


def sign_in() -> tuple[str, str] | None:
    """E-mail address and password of the first agent, while they open the door."""
    if settings.PRODUCTION:
        return None
    first = PEOPLE[0]
    agent = Agent.objects.filter(email=first.email, is_active=True).first()
    return (first.email, first.password) if agent and first.has_demo_password(agent) else None


def changed(people: Mapping[str, Agent]) -> list[str]:
    """What the printed keys no longer open, in words."""
    lines = []
    for one in PEOPLE:
        agent = people[one.name]
        if not one.has_demo_password(agent):
            lines.append(f"{agent.email}: the password was changed since; the one printed here does not open")
        if not Token.objects.valid().filter(digest=Token.digest_of(one.token), agent=agent).exists():
            lines.append(f"{agent.email}: the token was revoked or the account closed; the printed one does not open")
    return lines
