"""How the store's own sentences say an amount of bytes. What screens and tables show is in the view models' words."""

from __future__ import annotations


def readable(number: int) -> str:
    """Bytes as `812 B`, `1.2 KB`, `34 MB`."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if number >= factor:
            value = number / factor
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
    return f"{number} B"
