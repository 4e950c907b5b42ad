"""Programme profiles: one TOML file each, read once. Forms, CSR checks, snippets, validation and sandbox read them.

A further programme, or another car maker's, is a further file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

PROGRAMMES = ("fleet_owner", "end_user")
SANDBOX = "sandbox"
SANDBOX_VIN = "VF3SANDBX00000001"
"""A vehicle that the sandbox shows to whoever asks, whatever their client ID."""


@dataclass(frozen=True, slots=True)
class Brand:
    """One brand. realm: value of the header `x-introspect-realm`; domain: of its identity provider."""

    id: str
    name: str
    domain: str
    realm: str


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """What one attribute of the distinguished name must be.

    attribute: C, ST, L, O, OU, CN or emailAddress. Lengths are in characters; 0: no such bound.
    value: exactly this, if not empty. slips: known mistakes for `value`. is_mzp, is_email: its meaning.
    what, put, why: what the attribute names, what to write into it, and what depends on that; a sentence or two each.
    """

    attribute: str
    label: str
    what: str
    put: str
    why: str
    max_length: int = 0
    exact_length: int = 0
    value: str = ""
    example: str = ""
    slips: tuple[str, ...] = ()
    is_mzp: bool = False
    is_email: bool = False


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Which keys and signature hashes are accepted. Sizes in bits; choices: what a form offers."""

    types: tuple[str, ...]
    min_bits: int
    max_bits: int
    public_exponent: int
    choices: tuple[int, ...]
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """Where calls go. token_url: may hold `{domain}`, the brand's; empty where there is no token endpoint."""

    id: str
    label: str
    api_url: str
    token_url: str = ""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many requests of one client ID the API takes: in any 24 hours, and in any second."""

    per_day: int
    per_second: int


@dataclass(frozen=True, slots=True)
class Profile:
    """One programme. `dn` keeps the order of the documentation's table."""

    id: str
    name: str
    audience: str
    summary: str
    gives: tuple[str, ...]
    needs: tuple[str, ...]
    brands: tuple[Brand, ...]
    credentials: tuple[str, ...]
    probes: tuple[str, ...]
    api_path: str
    rate_limits: RateLimits
    environments: Mapping[str, Environment]
    dn: tuple[AttributeRule, ...]
    key: KeyRule


@dataclass(frozen=True, slots=True)
class DataItem:
    """One kind of vehicle data. scopes: what an end user consents to; programmes: where it is offered."""

    id: str
    label: str
    category: str
    scopes: tuple[str, ...]
    programmes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataCategory:
    """A category of the data catalogue with its items."""

    id: str
    label: str
    items: tuple[DataItem, ...]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


@cache
def brands() -> Mapping[str, Brand]:
    """Return all brands by id."""
    return {id_: Brand(id=id_, **table) for id_, table in _read("brands").items()}


@cache
def profile(programme: str) -> Profile:
    """Return the profile of a programme. Raises KeyError for one that does not exist."""
    if programme not in PROGRAMMES:
        raise KeyError(programme)
    table, words = _tuples(_read(programme)), _read("subject")
    return Profile(
        **table
        | {
            "brands": tuple(brands()[id_] for id_ in table["brands"]),
            "rate_limits": RateLimits(**table["rate_limits"]),
            "environments": {id_: Environment(id=id_, **row) for id_, row in table["environments"].items()},
            "dn": tuple(AttributeRule(attribute=id_, **words[id_] | _tuples(row)) for id_, row in table["dn"].items()),
            "key": KeyRule(**_tuples(table["key"])),
        }
    )


@cache
def catalogue() -> tuple[DataCategory, ...]:
    """Return the data catalogue, in the order shown to people."""
    return tuple(
        DataCategory(
            row["id"], row["label"], tuple(DataItem(category=row["id"], **_tuples(item)) for item in row["items"])
        )
        for row in _read("catalogue")["category"]
    )


@cache
def data_items() -> Mapping[str, DataItem]:
    """Return all items of the data catalogue by id."""
    return {item.id: item for category in catalogue() for item in category.items}
