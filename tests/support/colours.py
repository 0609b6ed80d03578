"""How colours look in grey and to eyes that lack a kind of cone."""

from collections.abc import Callable, Mapping

Linear = tuple[float, float, float]


def rgb(colour: str) -> Linear:
    """Read "#1c4e80" as linear light, from 0 to 1."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def luminance(light: Linear) -> float:
    """Return the relative luminance of WCAG, which is what a grey print keeps."""
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def _through(*rows: Linear) -> Callable[[Linear], Linear]:
    def see(light: Linear) -> Linear:
        red, green, blue = (sum(weight * part for weight, part in zip(row, light, strict=True)) for row in rows)
        return red, green, blue

    return see


EYES: Mapping[str, Callable[[Linear], Linear]] = {
    "trichromat": _through((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanope": _through((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranope": _through((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanope": _through((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Machado, Oliveira & Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009)."""
