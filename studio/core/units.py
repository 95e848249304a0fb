"""Numbers in words, the same in the window and on the command line."""


def size(count: float) -> str:
    """Returns a number of bytes in words, such as `1.5 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def short(count: float) -> str:
    """Returns a count in words, such as `1.24 B` (thousand millions)."""
    for unit in ("", " K", " M"):
        if count < 999.5:
            return f"{count:.3g}{unit}"
        count /= 1000
    return f"{count:,.0f} B" if count >= 100 else f"{count:.3g} B"
