"""A generated fleet: the same for the same client ID, and alive, since its state follows the clock.

Vehicles work one shift each weekday. On it they drive a loop around their depot and use energy; after it they
stand at the depot, and electric ones charge.
"""

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from onboarding.programmes import SANDBOX_VIN, Brand, brands
from onboarding.sandbox.shapes import rfc3339

ELECTRIC, HYBRID, THERMIC = "Electric", "Hybrid", "Thermic"
VEHICLES_PER_FLEET = 12

# By brand: the first three characters of its vehicle identification numbers, and its models.
MODELS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "peugeot": ("VF3", (("e-208", ELECTRIC), ("3008 Hybrid", HYBRID), ("Expert", THERMIC))),
    "citroen": ("VF7", (("ë-C4", ELECTRIC), ("C5 Aircross Hybrid", HYBRID), ("Berlingo", THERMIC))),
    "ds": ("VR1", (("DS 3 E-Tense", ELECTRIC), ("DS 7", HYBRID))),
    "opel": ("W0V", (("Corsa Electric", ELECTRIC), ("Vivaro", THERMIC))),
    "vauxhall": ("VXK", (("Combo Electric", ELECTRIC), ("Movano", THERMIC))),
}

# Name, description, longitude and latitude of a depot.
DEPOTS = (
    ("North depot", "Parcel vans", 3.0573, 50.6292),
    ("Harbour depot", "Workshop and service cars", 5.3698, 43.2965),
    ("City pool", "Shared cars of the head office", 2.3522, 48.8566),
    ("Rhine depot", "Field service", 7.7521, 48.5734),
    ("Midlands depot", "Rental cars", -1.8904, 52.4862),
)

FIRST_DAY = datetime(2024, 1, 8, tzinfo=UTC)
KM_PER_DEGREE = 111.2  # of latitude


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle. id: 96 hexadecimal digits, as long and opaque as real ones. vin: 17 characters.

    depot: longitude and latitude. shift_start: hour of the day in UTC; shift_hours: its length.
    daily_km: driven on each weekday since FIRST_DAY.
    """

    id: str
    vin: str
    brand: Brand
    label: str
    motorization: str
    created_at: datetime
    depot: tuple[float, float]
    shift_start: float
    shift_hours: float
    daily_km: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """One fleet. id: 24 hexadecimal digits."""

    id: str
    name: str
    description: str
    created_at: datetime
    vehicles: tuple[Vehicle, ...]


@lru_cache(maxsize=512)
def fleets_of(client_id: str) -> tuple[Fleet, ...]:
    """Return the fleets of a client: one to three, with about twelve vehicles each."""
    seed = hashlib.sha256(client_id.encode("utf-8")).digest()
    dice = random.Random(seed)  # noqa: S311 — must repeat itself; nothing secret hangs on it
    number = dice.randrange(100_000)
    fleets = []
    for name, description, longitude, latitude in dice.sample(DEPOTS, dice.randint(1, 3)):
        count = VEHICLES_PER_FLEET + dice.randint(-2, 2)
        vehicles = []
        for _ in range(count):
            vehicles.append(_vehicle(dice, number, (longitude, latitude)))
            number += 1
        created_at = min(vehicle.created_at for vehicle in vehicles)
        fleets.append(Fleet(dice.randbytes(12).hex(), name, description, created_at, tuple(vehicles)))
    return tuple(fleets)


@lru_cache(maxsize=1)
def shared_vehicle() -> Vehicle:
    """Return the vehicle that is shown to whoever asks for its VIN; it is in nobody's fleet."""
    dice = random.Random(SANDBOX_VIN)  # noqa: S311 — must repeat itself; nothing secret hangs on it
    drawn = _vehicle(dice, 1, DEPOTS[0][2:])
    label, motorization = MODELS["peugeot"][1][0]
    return replace(drawn, vin=SANDBOX_VIN, brand=brands()["peugeot"], label=label, motorization=motorization)


@lru_cache(maxsize=512)
def vehicles_of(driver: str, brand_id: str, count: int) -> tuple[Vehicle, ...]:
    """Return an invented driver's own vehicles, all of one brand: the same for the same driver."""
    dice = random.Random(f"{driver} {brand_id}")  # noqa: S311 — must repeat itself; nothing secret hangs on it
    number = dice.randrange(100_000)
    depot = dice.choice(DEPOTS)[2:]
    return tuple(_vehicle(dice, number + place, depot, brand_id) for place in range(count))


def _vehicle(dice: random.Random, number: int, depot: tuple[float, float], brand_id: str = "") -> Vehicle:
    brand_id = brand_id or dice.choice(list(MODELS))
    prefix, models = MODELS[brand_id]
    label, motorization = dice.choice(models)
    return Vehicle(
        id=dice.randbytes(48).hex(),
        vin=f"{prefix}SANDBX{number:08d}",
        brand=brands()[brand_id],
        label=label,
        motorization=motorization,
        created_at=FIRST_DAY + timedelta(days=dice.randrange(300), hours=8, minutes=dice.randrange(60)),
        depot=depot,
        shift_start=dice.uniform(5, 10),
        shift_hours=dice.uniform(4, 9),
        daily_km=dice.uniform(40, 180),
    )


@dataclass(frozen=True, slots=True)
class _Day:
    """Where a vehicle is in its day. progress: of its shift, 0 to 1. rested: hours since its end."""

    progress: float
    rested: float
    workdays: int

    @property
    def is_driving(self) -> bool:
        return 0 < self.progress < 1


def _day(vehicle: Vehicle, now: datetime) -> _Day:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = (now - midnight).total_seconds() / 3600 - vehicle.shift_start
    works_today = now.weekday() < 5
    progress = min(1.0, max(0.0, hours / vehicle.shift_hours)) if works_today else 0.0
    rested = hours - vehicle.shift_hours if progress == 1 else 24.0
    whole_weeks, days = divmod((midnight - FIRST_DAY).days, 7)  # FIRST_DAY is a Monday
    return _Day(progress, rested, whole_weeks * 5 + min(days, 5))


def status(vehicle: Vehicle, now: datetime) -> dict[str, Any]:
    """Return the state of a vehicle as the API words it, without its links. Distances: km; levels: %."""
    moment = now.astimezone(UTC).replace(second=0, microsecond=0)
    day, created = _day(vehicle, moment), {"createdAt": rfc3339(moment)}
    speed = round(38 + 27 * math.sin(day.progress * 60), 1) if day.is_driving else 0.0
    return {
        "vin": vehicle.vin,
        **created,
        "updatedAt": rfc3339(moment),
        "ignition": {**created, "type": "Start" if day.is_driving else "Stop"},
        "lastPosition": _position(vehicle, day, created),
        "energies": [_energy(vehicle, kind, day, created) for kind in _ENERGIES[vehicle.motorization]],
        "odometer": {**created, "mileage": round(vehicle.daily_km * (day.workdays + day.progress), 1)},
        "kinetic": {**created, "speed": speed, "moving": day.is_driving},
        "doorsState": {
            **created,
            "lockedStates": ["Unlocked" if day.is_driving else "Locked"],
            "opening": [{"identifier": door, "state": "Closed"} for door in ("Driver", "Passenger", "Trunk")],
        },
        "battery": {**created, "voltage": 92.5},
        "privacy": {**created, "state": "None"},
    }


_ENERGIES = {ELECTRIC: ("Electric",), HYBRID: ("Fuel", "Electric"), THERMIC: ("Fuel",)}
_FULL = {"Electric": 96.0, "Fuel": 90.0}
_RANGE_KM = {"Electric": 340, "Fuel": 720}
_CHARGING_HOURS = 5.0


def _position(vehicle: Vehicle, day: _Day, created: Mapping[str, str]) -> dict[str, Any]:
    """Return a GeoJSON point on a loop through the depot, whose length is the day's distance."""
    angle = 2 * math.pi * (day.progress % 1)
    radius = vehicle.daily_km / (2 * math.pi) / KM_PER_DEGREE
    longitude, latitude = vehicle.depot
    north, east = radius * math.sin(angle), radius * (1 - math.cos(angle)) / math.cos(math.radians(latitude))
    return {
        "type": "Feature",
        "geometry": {
            "type": "Point",
            "coordinates": [round(longitude + east, 6), round(latitude + north, 6)],
        },
        "properties": {
            **created,
            "vin": vehicle.vin,
            "heading": round(math.degrees(angle)) % 360,
            "signalQuality": 9,
            "type": "Acquire",
            "fixStatus": "3D",
        },
    }


def _energy(vehicle: Vehicle, kind: str, day: _Day, created: Mapping[str, str]) -> dict[str, Any]:
    full, range_km = _FULL[kind], _RANGE_KM[kind]
    used = vehicle.daily_km * day.progress / range_km * 100
    if day.progress == 1:
        used *= max(0.0, 1 - day.rested / _CHARGING_HOURS)
    level = round(full - used, 1)
    energy: dict[str, Any] = {
        **created,
        "type": kind,
        "level": level,
        "autonomy": round(level / 100 * range_km),
    }
    if kind == "Electric":
        energy["extension"] = {"electric": {"charging": _charging(day, charged=level >= full)}}
    return energy


def _charging(day: _Day, *, charged: bool) -> dict[str, Any]:
    if day.is_driving:
        return {"plugged": False, "status": "Disconnected"}
    if charged:
        return {"plugged": True, "status": "Finished"}
    minutes = math.ceil((_CHARGING_HOURS - day.rested) * 60)
    return {"plugged": True, "status": "InProgress", "chargingMode": "Slow", "remainingTime": f"PT{minutes}M"}
