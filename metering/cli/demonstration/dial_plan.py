"""Made-up numbers of many countries. Leaves what a call there costs to the decks."""

from __future__ import annotations

from random import Random

from msgspec import Struct


class Country(Struct, frozen=True):
    """Numbers that start with `prefix` and go on with `digits` more; `weight` is its share of the traffic."""

    code: str
    prefix: str
    digits: int
    weight: int


def _country(code: str, prefix: str, digits: int, weight: int = 2) -> Country:
    return Country(code, prefix, digits, weight)


COUNTRIES: tuple[Country, ...] = (
    _country("US", "1212", 7, 40),
    _country("GB", "447", 9, 25),
    _country("ES", "346", 8, 25),
    _country("IN", "9198", 8, 20),
    _country("DE", "4915", 9, 18),
    _country("BR", "55119", 8, 16),
    _country("FR", "336", 8, 15),
    _country("MX", "5255", 8, 14),
    _country("CA", "1416", 7, 10),
    _country("IT", "393", 9, 10),
    _country("JP", "8190", 8, 8),
    _country("ID", "62812", 7, 8),
    _country("PH", "639", 9, 8),
    _country("TR", "905", 9, 8),
    _country("PL", "4850", 7, 6),
    _country("NL", "316", 8, 6),
    _country("AU", "614", 8, 6),
    _country("ZA", "2782", 7, 5),
    _country("NG", "23480", 8, 5),
    _country("AR", "54911", 8, 5),
    _country("CO", "573", 9, 4),
    _country("CN", "861", 10, 4),
    _country("KR", "8210", 8, 4),
    _country("PT", "3519", 8, 4),
    _country("UA", "38050", 7, 4),
    *(
        _country(code, prefix, digits)
        for code, prefix, digits in (
            ("BE", "3247", 7),
            ("CH", "4179", 7),
            ("AT", "43664", 7),
            ("SE", "4670", 7),
            ("NO", "479", 7),
            ("DK", "452", 7),
            ("FI", "35840", 7),
            ("CZ", "42060", 7),
            ("GR", "3069", 8),
            ("RO", "407", 8),
            ("HU", "3630", 7),
            ("BG", "35988", 7),
            ("RS", "38160", 7),
            ("IL", "97250", 7),
            ("AE", "97150", 7),
            ("SA", "9665", 8),
            ("EG", "2010", 8),
            ("MA", "2126", 8),
            ("KE", "2547", 8),
            ("GH", "23324", 7),
            ("PK", "9230", 8),
            ("BD", "88017", 8),
            ("LK", "9477", 7),
            ("TH", "668", 8),
            ("VN", "849", 8),
            ("MY", "6012", 7),
            ("SG", "659", 7),
            ("TW", "8869", 8),
            ("NZ", "6421", 7),
            ("CL", "569", 8),
            ("PE", "519", 8),
        )
    ),
)

_CUMULATIVE = [sum(country.weight for country in COUNTRIES[: i + 1]) for i in range(len(COUNTRIES))]


def make_number(random: Random) -> str:
    """Return an E.164 number of some country, busier countries more often."""
    country = random.choices(COUNTRIES, cum_weights=_CUMULATIVE)[0]
    return f"+{country.prefix}{random.randrange(10**country.digits):0{country.digits}d}"
