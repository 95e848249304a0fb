"""Numbers in words, the same in the window and on the command line."""

import time


def size(count: float) -> str:
    """Returns a number of bytes in words, such as `1.5 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(count: int, one: str, many: str, **values: object) -> str:
    """Returns `one` or `many`, whichever the count asks for, with `{count}` and other values filled in."""
    return (one if count == 1 else many).format(count=f"{count:,}", **values)


def plural(count: int, one: str) -> str:
    """Returns a count of what is called `one` in English, such as `1 row` or `1,200 rows`."""
    return counted(count, f"{{count}} {one}", f"{{count}} {one}s")


def percent(share: float) -> str:
    """Returns a share in percent with two figures, such as `3.4%`; from 100 on a whole number."""
    hundredths = 100 * share
    if hundredths >= 99.5:
        return f"{hundredths:,.0f}%"
    return "<0.001%" if 0 < hundredths < 0.001 else f"{hundredths:.2g}%"


def short(count: float) -> str:
    """Returns a count in words, such as `1.24 B` (thousand millions)."""
    for unit in ("", " K", " M"):
        if count < 999.5:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:,.0f} B" if count >= 100 else f"{count:.3g} B"


def moment(time_s: float) -> str:
    """Returns a time in seconds since 1970 as this machine's clock has it, such as `2026-07-27 14:05`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(time_s))


def moment_in_brief(time_s: float) -> str:
    """Returns of a `moment` the time where it is today's, else the day."""
    day, at = moment(time_s).split()
    return at if day == moment(time.time()).split()[0] else day
