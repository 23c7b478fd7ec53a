"""Numbers as people read them, by section 6 of the design. `frontend/src/format.js` is the browser's twin."""

from __future__ import annotations

import math
from datetime import datetime, tzinfo

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def count(value: float) -> str:
    """A whole number with a mark at each thousand: `12,660`."""
    return f"{round(value):,}".replace("-", "−")


def short_count(value: float) -> str:
    """A large count in three digits: `431 k`, `61.1 M`."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{float(f'{value / size:.3g}'):g} {unit}"
    return count(value)


def significant(value: float) -> str:
    """Three significant digits: `0.0272`, `13.1`."""
    if not math.isfinite(value):
        return "infinite"
    if value == 0:
        return "0"
    if abs(value) < 1e-4 or abs(value) >= 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    if abs(value) >= 1000:
        return count(value)
    digits = max(0, 2 - math.floor(math.log10(abs(float(f"{value:.3g}")))))
    return f"{value:.{digits}f}".replace("-", "−")


def percent(share: float, out_of: int | None = None) -> str:
    """A share of 1 in per cent with as many digits as `out_of` pictures can tell: `99.17` of 10,000, `91.3` of 367."""
    digits = 2 if out_of is None else max(0, min(2, round(math.log10(max(1, out_of))) - 2))
    return f"{share * 100:.{digits}f}"


def duration(seconds: float) -> str:
    """Two parts at most: `4.1 s`, `1 min 12 s`, `3 h 20 min`."""
    if seconds < 0.0009995:
        return f"{round(seconds * 1e6)} µs"
    if seconds < 0.9995:
        return f"{float(f'{seconds * 1000:.3g}'):g} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return _two(whole // 60, "min", whole % 60, "s")
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    days, hours = minutes // 1440, minutes % 1440 // 60
    return f"{days} d {hours} h" if hours else f"{days} d"


def data_size(num_bytes: float) -> str:
    """Bytes in SI units: `1.7 MB`, `540 GB`."""
    value, index = float(num_bytes), 0
    while value >= 999.5 and index < len(_BYTE_UNITS) - 1:
        value /= 1000
        index += 1
    return f"{value:.1f} {_BYTE_UNITS[index]}" if index and value < 9.95 else f"{value:.0f} {_BYTE_UNITS[index]}"


def clock(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """A time of today as `13:38`, of this year as `21 Nov 13:24`, else with the year."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if local.year == today.year:
        return f"{local.day} {local:%b %H:%M}"
    return f"{local.day} {local:%b} {local.year}"


def plural(number: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 picture`, `3,670 pictures`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def _two(first: int, unit: str, second: int, small: str) -> str:
    return f"{first} {unit} {second:02d} {small}" if second else f"{first} {unit}"
