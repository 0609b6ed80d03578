"""Draw the model card's pictures into model/pictures/."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from training.scores import Floats

FOLDER = Path(__file__).parents[1] / "model" / "pictures"
COLOURS = ("#1f6f8b", "#d1603d")

mpl.use("agg")


def curve(name: str, points: Sequence[tuple[str, int, float]]) -> None:
    """Draw AUC against the number of cells. The legend names the numbered points; the first is the unrestricted model."""
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for number, (label, cells, auc) in enumerate(points, start=1):
        colour = COLOURS["bundled" in label]
        axes.plot(cells, auc, color=colour, linestyle="", marker=f"${number}$", markersize=10, label=label)
    axes.axhline(points[0][2] - 0.003, color="grey", linestyle=":", linewidth=1)
    axes.annotate("0.003 below the unrestricted model", (points[0][1], points[0][2] - 0.003), ha="right", va="top", fontsize=8)
    axes.axvline(6_000, color="grey", linestyle=":", linewidth=1)
    axes.set(xscale="log", xlabel="cells of 100,000 customers", ylabel="AUC within held-out shops")
    figure.legend(loc="outside right center", frameon=False, fontsize=8)
    _save(figure, name)


def calibration(name: str, panels: Mapping[str, Mapping[str, tuple[Floats, Floats]]]) -> None:
    """Draw for each panel and label the observed rates against the mean predictions of groups of customers."""
    figure, all_axes = plt.subplots(1, len(panels), figsize=(9, 4.2), layout="constrained")
    for axes, (title, lines) in zip(all_axes, panels.items(), strict=True):
        for (label, (observed, predicted)), colour in zip(lines.items(), reversed(COLOURS), strict=True):
            axes.plot(predicted, observed, "o-", color=colour, label=label, markersize=4)
        limit = 1.05 * max(np.max(values) for pair in lines.values() for values in pair)
        axes.plot([0, limit], [0, limit], ":", color="grey", linewidth=1)
        axes.set(title=title, xlabel="expected share that churns", ylabel="share that churned", xlim=(0, limit), ylim=(0, limit))
        axes.legend(frameon=False, fontsize=8)
    _save(figure, name)


def distributions(name: str, sides: Mapping[str, tuple[Floats, Floats, Floats]]) -> None:
    """Draw the sessions a week, the spend a week and the days between visits of two shops."""
    heads = ("sessions in a week", "dollars spent in a week", "days between visits")
    bins = (np.arange(0.5, 13), np.geomspace(1, 1000, 30), np.geomspace(0.01, 100, 30))
    figure, all_axes = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
    for number, axes in enumerate(all_axes):
        for (label, values), colour in zip(sides.items(), COLOURS, strict=True):
            weights = np.full(values[number].size, 1 / values[number].size)
            axes.hist(values[number], bins[number], weights=weights, histtype="step", color=colour, label=label, linewidth=1.5)
        axes.set(xlabel=heads[number], xscale="linear" if number == 0 else "log")
    all_axes[0].set_ylabel("share")
    all_axes[0].legend(frameon=False)
    _save(figure, name)


def active_weeks(name: str, sides: Mapping[str, tuple[Floats, Floats]], bands: Sequence[Floats]) -> None:
    """Draw the shares of customers with 0 to 8 active weeks before and after a week: shops over a band of simulated ones."""
    figure, all_axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
    number = np.arange(bands[0].shape[1])
    for when, (axes, title) in enumerate(zip(all_axes, ("eight weeks before", "eight weeks after"), strict=True)):
        low, middle, high = bands[when]
        axes.fill_between(number, low, high, color="grey", alpha=0.2, label="simulated shops, 5th to 95th percentile")
        axes.plot(number, middle, ":", color="grey", label="their median")
        for (label, shares), colour in zip(sides.items(), ("#5b8c5a", *COLOURS), strict=True):
            axes.plot(number, shares[when], "o-", color=colour, label=label, markersize=4)
        axes.set(title=title, xlabel="weeks with an event")
    all_axes[0].set_ylabel("share of customers of a week")
    all_axes[0].legend(frameon=False, fontsize=8)
    _save(figure, name)


def _save(figure: Figure, name: str) -> None:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", dpi=100, metadata={"Software": None})
    plt.close(figure)
