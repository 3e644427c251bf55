"""Plotly figures of curves, tables of classes, and clouds, in colours that the colour-blind can tell apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from tools.report.exhibits import Bars, Cloud
from tools.visualize.colors import COLORS

DASHES = ("solid", "dash", "dot", "dashdot")
HEAT = "Cividis"
MOST_NUMBERS = 15  # classes of a confusion matrix whose cells show their counts
LAYOUT: dict[str, Any] = {
    "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#222222"},
    "margin": {"l": 12, "r": 12, "t": 44, "b": 12},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "#ffffff",
    "colorway": COLORS,
    "modebar": {"orientation": "v"},  # beside the title
}
AXIS = {"gridcolor": "#e5e5e5", "zeroline": False, "automargin": True, "linecolor": "#999999"}


def _figure(traces: Sequence[Any], title: str, height: int, **layout: Any) -> go.Figure:
    return go.Figure(
        list(traces),
        go.Layout(
            {
                **LAYOUT,
                "title": {
                    "text": title,
                    "x": 0.02,
                    "y": 0.97,
                    "yref": "container",
                    "yanchor": "top",
                    "font": {"size": 15},
                },
                "height": height,
                **layout,
            }
        ),
    )


def curves(title: str, runs: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], log: bool = False) -> go.Figure:
    """Draw curves over epochs.

    Args:
        title: of the figure.
        runs: of each run its curves by name: pairs of epoch and value.
        log: whether they may be on a logarithmic scale, where they span much of one.
    """
    names = list(dict.fromkeys(name for own in runs.values() for name in own))
    traces = []
    for number, (run, own) in enumerate(runs.items()):
        for name, pairs in own.items():
            # Runs differ by colour and curves of a run by dash; where there is one run, curves differ by both.
            color, dash = (number, names.index(name)) if len(runs) > 1 else (names.index(name), names.index(name))
            style = {"color": COLORS[color % len(COLORS)], "dash": DASHES[dash % len(DASHES)], "width": 2}
            x, y = zip(*pairs, strict=True)
            label = " ".join(part for part in (run if len(runs) > 1 else "", name if len(names) > 1 else "") if part)
            mode = "lines+markers" if len(x) < 30 else "lines"
            traces.append(go.Scatter(x=x, y=y, name=label or name, mode=mode, line=style, marker={"size": 5}))
    legend = {"orientation": "h", "y": 1, "yanchor": "bottom"}
    epochs, values = zip(*(pair for own in runs.values() for pairs in own.values() for pair in pairs), strict=True)
    log = log and min(values) > 0 and max(values) > 20 * min(values)
    y = (
        {"type": "log", "dtick": 1, "minor": {"showgrid": True, "gridcolor": "#f2f2f2"}}
        if log
        else {"exponentformat": "e"}
    )
    few = max(epochs) - min(epochs) <= 10
    axes = {"xaxis": {**AXIS, "title": "epoch", **({"dtick": 1} if few else {})}, "yaxis": {**AXIS, **y}}
    margin = {**LAYOUT["margin"], "t": 44 + 22 * -(-len(traces) // 3) * (len(traces) > 1), "b": 44}
    return _figure(
        traces, title, 340, legend=legend, margin=margin, showlegend=len(traces) > 1, hovermode="x unified", **axes
    )


def confusion(table: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Draw how often which name (column) is predicted for a class (row), in % of the class."""
    names = list(dict.fromkeys([*table, *(name for row in table.values() for name in row)]))
    counts = np.array([[table.get(truth, {}).get(name, 0) for name in names] for truth in names])
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    cells: dict[str, Any] = {"texttemplate": "%{text}", "text": counts} if len(names) <= MOST_NUMBERS else {}
    hover = "%{y}: predicted %{x}<br>%{customdata} shapes, %{z:.1f} %<extra></extra>"
    bar = {"title": "% of the class", "thickness": 12}
    heat = go.Heatmap(
        x=names,
        y=names,
        z=share.round(2),
        customdata=counts,
        hovertemplate=hover,
        colorscale=HEAT,
        zmin=0,
        zmax=100,
        colorbar=bar,
        **cells,
    )
    side = {"title": "true class", "autorange": "reversed", "dtick": 1}
    height, width = max(380, 150 + 16 * len(names)), max(420, 220 + 16 * len(names))
    axes = {"xaxis": {**AXIS, "title": "predicted", "dtick": 1, "tickangle": -60}, "yaxis": {**AXIS, **side}}
    return _figure([heat], "Confusion matrix", height, width=width, **axes)


def class_bars(title: str, runs: Mapping[str, Mapping[str, float]], counts: Mapping[str, int]) -> go.Figure:
    """Draw a number in % of every class, the lowest at the bottom; of several runs side by side.

    Args:
        title: of the figure.
        runs: the numbers of each run by class.
        counts: samples by class, which stand behind the names where they are known.
    """
    first = next(iter(runs.values()))
    names = sorted(first, key=lambda name: first[name])
    labels = [f"{name.replace('_', ' ')} ({counts[name]})" if name in counts else name for name in names]
    traces = []
    for number, (run, own) in enumerate(runs.items()):
        color = COLORS[number % len(COLORS)]
        values = [own.get(name) for name in names]
        traces.append(go.Bar(x=values, y=labels, name=run, orientation="h", marker={"color": color}))
    height = 110 + max(18, 10 * len(runs)) * len(names)
    axes = {"xaxis": {**AXIS, "range": [0, 100], "title": "%"}, "yaxis": {**AXIS, "dtick": 1}}
    return _figure(traces, title, height, showlegend=len(runs) > 1, barmode="group", **axes)


def draw_panel(what: Cloud | Bars) -> go.Figure:
    """Draw what stands in a row of an exhibit."""
    return _cloud(what) if isinstance(what, Cloud) else _bars(what)


def _bars(bars: Bars) -> go.Figure:
    names, values = list(bars.names)[::-1], list(bars.values)[::-1]
    colors = [COLORS[2] if name == bars.truth else COLORS[0] for name in names]
    labels = [f"{name} (true)" if name == bars.truth else name for name in names]
    text = [f"{value:.3f}" for value in values]
    trace = go.Bar(x=values, y=labels, text=text, orientation="h", marker={"color": colors}, cliponaxis=False)
    axes = {"xaxis": {**AXIS, "rangemode": "tozero"}, "yaxis": {**AXIS, "dtick": 1}}
    title = f"{bars.title}; true: {bars.truth}" if bars.truth else bars.title
    return _figure([trace], title, 280, **axes)


def _cloud(cloud: Cloud) -> go.Figure:
    """A scene; the second coordinate of a cloud, which is up, becomes the third, which plotly turns clouds around."""
    points = cloud.points.astype(np.float32)
    size = 2.4 if len(points) > 600 else 3.2
    traces = []
    if cloud.labels is not None:
        for label in np.unique(cloud.labels):
            own = points[cloud.labels == label]
            color = COLORS[int(label) % len(COLORS)]
            traces.append(_points(own, {"size": size, "color": color}, str(cloud.names[int(label)])))
    else:
        shown = points[:, 1] if cloud.values is None else cloud.values.astype(np.float32)
        limits = {} if cloud.values is None else {"cmin": 0, "cmax": 1}
        scale = BLUES if cloud.values is None else HEAT
        style = {"size": size, "color": shown, "colorscale": scale, **limits}
        traces.append(_points(points, style, ""))
    hidden = {"visible": False, "range": [-1.1, 1.1]}
    camera = {"eye": {"x": 1.0, "y": -1.3, "z": 0.6}, "projection": {"type": "orthographic"}}
    axes = {"xaxis": hidden, "yaxis": hidden, "zaxis": hidden}
    ratio = {"aspectmode": "manual", "aspectratio": dict.fromkeys("xyz", 2.1)}
    scene = {**axes, **ratio, "camera": camera, "dragmode": "turntable"}
    note = {"text": cloud.note, "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0}
    notes = [{**note, "yanchor": "bottom", "font": {"size": 12}}] if cloud.note else []
    legend = {"orientation": "h", "y": 1, "yanchor": "top", "itemsizing": "constant", "font": {"size": 11}}
    named = cloud.labels is not None
    return _figure(traces, cloud.title, 280, scene=scene, annotations=notes, showlegend=named, legend=legend)


# By height, so that a cloud without values has depth.
BLUES = [[0, "#1b3a5c"], [1, "#7fb2d9"]]


def _points(points: np.ndarray, marker: dict[str, Any], name: str) -> go.Scatter3d:
    x, up, toward = points.T
    hover = {"hoverinfo": "name" if name else "none"}  # "skip" would keep clicks from being told
    marker = {**marker, "opacity": 1, "line": {"width": 0}}
    return go.Scatter3d(x=x, y=-toward, z=up, mode="markers", marker=marker, name=name, **hover)
