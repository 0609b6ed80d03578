"""The chart in RESULTS.md: how bytes and cells grow with the customers."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from tests.benchmarks.speed import Speed

COLOURS = ("#1f6f8b", "#d1603d")

mpl.use("agg")


def growth(file: Path, found: Sequence[Speed]) -> None:
    """Draw the bytes that BigQuery reads and the rows that it returns against customers, on logarithmic axes."""
    shops = [speed for speed in found if speed.customers]
    customers = [speed.customers for speed in shops]
    panels: tuple[tuple[str, list[float], str], ...] = (
        ("bytes that BigQuery reads (computed)", [speed.week.of_report / 2**20 for speed in shops], "MiB"),
        ("cells that come back", [float(speed.cells) for speed in shops], "cells of all weeks"),
    )
    figure, all_axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for axes, (title, values, label), colour in zip(all_axes, panels, COLOURS, strict=True):
        proportional = [values[0] * size / customers[0] for size in customers]
        axes.loglog(customers, proportional, ":", color="grey", linewidth=1, label="in proportion to the customers")
        axes.loglog(customers, values, "o-", color=colour)
        for size, value in zip(customers, values, strict=True):
            digits = 1 if value < 10 else 0
            axes.annotate(f"{value:,.{digits}f}", (size, value), xytext=(4, -12), textcoords="offset points", fontsize=8)
        axes.set(title=title, xlabel="customers a week", ylabel=label)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
        axes.margins(0.15)
    figure.savefig(file, dpi=100, metadata={"Software": None})
    plt.close(figure)
