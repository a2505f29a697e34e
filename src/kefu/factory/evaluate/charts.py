"""Charts of a report as inline SVG. Colours are CSS variables of the page, so that light and dark share them."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 44
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SHARES = [(tick, f"{tick:g}") for tick in _TICKS]
# A matrix with more labels than this cannot be read on a page.
MOST_LABELS = 30
_CELL, _NAME = 20, 150


def reliability(bins: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy by confidence; on the diagonal a model is as sure as it is right."""
    most = max((each["rows"] for each in bins), default=1) or 1
    shapes = [_line(0, 0, 1, 1, "diagonal")]
    for each in bins:
        if not each["rows"]:
            continue
        left, right = _x(each["low"]) + 1, _x(each["high"]) - 1
        top = _y(each["accuracy"])
        # Bars of few rows are pale: they are mostly chance.
        opacity = 0.35 + 0.65 * (each["rows"] / most) ** 0.5
        said = f"sure {each['confidence']:.2f}, right {each['accuracy']:.2f}, {each['rows']} texts"
        bar = {"x": left, "y": top, "width": right - left, "height": _y(0) - top}
        shapes.append(_tag("rect", _title(said), {**bar, "class": "bar", "opacity": round(opacity, 2)}))
        middle = {"x1": left, "x2": right, "y1": _y(each["confidence"]), "y2": _y(each["confidence"])}
        shapes.append(_tag("line", _title(said), {**middle, "class": "mark"}))
    return _chart("Reliability: accuracy by confidence", "confidence", "accuracy", shapes)


def scope_curve(points: Sequence[Sequence[float]], at: tuple[float, float] | None) -> str:
    """The share of texts out of scope that is found, by the share in scope that is rejected; `at` is the threshold."""
    shapes = [_line(0, 0, 1, 1, "diagonal"), _path(points, "curve")]
    if at is not None:
        said = f"the model's threshold rejects {at[0]:.1%} in scope and finds {at[1]:.1%} out of scope"
        shapes.append(_tag("circle", _title(said), {"cx": _x(at[0]), "cy": _y(at[1]), "r": 5, "class": "point"}))
    return _chart("Out of scope", "in scope, rejected", "out of scope, found", shapes)


def histogram(inside: Sequence[float], outside: Sequence[float], threshold: float | None) -> str:
    """Where texts in scope and out of scope stand, and the threshold between them."""
    most = max([*inside, *outside, 1e-9])
    shapes = []
    step = 1 / max(len(inside), 1)
    for name, values in (("bar", inside), ("other", outside)):
        for place, share in enumerate(values):
            if not share:
                continue
            top = _y(share / most)
            size = {"x": _x(place * step) + 0.5, "width": _x(step) - _x(0) - 1, "y": top, "height": _y(0) - top}
            shapes.append(_tag("rect", _title(f"{share:.1%}"), {**size, "class": name, "opacity": 0.65}))
    if threshold is not None:
        shapes.append(_line(threshold, 0, threshold, 1, "mark"))
    ticks = [(share, f"{share * most:.0%}") for share in _TICKS]
    return _chart("Scope of texts", "scope", "share of texts", shapes, y_ticks=ticks)


def scatter(points: Sequence[Sequence[float]]) -> str:
    """The number given by the number meant, both from -1 to 1."""
    shapes = [_line(0, 0, 1, 1, "diagonal")]
    for meant, given in points:
        place = {"cx": _x((meant + 1) / 2), "cy": _y((given + 1) / 2), "r": 3, "class": "dot"}
        shapes.append(_tag("circle", "", place))
    ticks = [(share, f"{2 * share - 1:g}") for share in _TICKS]
    return _chart("Given by meant", "meant", "given", shapes, x_ticks=ticks, y_ticks=ticks)


def bars(rows: Sequence[tuple[str, float, str, bool]]) -> str:
    """Horizontal bars from 0 to 1: name, share, a note, and whether it is the worst."""
    height, name_width, width = 24, 190, 680
    room = width - name_width - 170
    shapes = []
    for place, (name, share, note, is_worst) in enumerate(rows):
        y = place * height
        label = {"x": name_width - 8, "y": y + 16, "text-anchor": "end", "class": "label"}
        shapes.append(_tag("text", escape(name), label))
        shapes.append(_tag("rect", "", {"x": name_width, "y": y + 4, "width": room, "height": 15, "class": "rail"}))
        size = {"x": name_width, "y": y + 4, "width": round(room * share, 1), "height": 15}
        shapes.append(_tag("rect", _title(f"{name}: {share:.1%}"), {**size, "class": "other" if is_worst else "bar"}))
        said = f"{share:.1%} {note}"
        shapes.append(_tag("text", escape(said), {"x": name_width + room + 8, "y": y + 16, "class": "label"}))
    return _svg("Accuracy of slices", width, max(1, len(rows)) * height, shapes, natural=True)


def matrix(labels: Sequence[str], counts: Mapping[tuple[str, str], int]) -> str:
    """A row for each label meant, a column for each label given; shade by share of the row."""
    side = len(labels) * _CELL
    shapes = []
    for row, truth in enumerate(labels):
        support = sum(rows for (meant, _), rows in counts.items() if meant == truth) or 1
        name = {"x": _NAME - 6, "y": _NAME + row * _CELL + 14, "text-anchor": "end", "class": "label"}
        shapes.append(_tag("text", _cut(truth), name))
        turned = f"translate({_NAME + row * _CELL + 14} {_NAME - 6}) rotate(-90)"
        shapes.append(_tag("text", _cut(truth), {"transform": turned, "class": "label"}))
        for column, given in enumerate(labels):
            shapes.append(_cell((row, column), (truth, given), counts.get((truth, given), 0), support))
    return _svg("Confusion matrix", _NAME + side + 4, _NAME + side + 4, shapes, natural=True)


def _cell(at: tuple[int, int], labels: tuple[str, str], rows: int, support: int) -> str:
    (row, column), (truth, given) = at, labels
    place = {"x": _NAME + column * _CELL, "y": _NAME + row * _CELL, "width": _CELL - 1, "height": _CELL - 1}
    if not rows:
        return _tag("rect", "", {**place, "class": "rail"})
    said = _title(f"{truth} taken for {given}: {rows} of {support}")
    kind, opacity = ("bar" if row == column else "other"), round(0.2 + 0.5 * rows / support, 2)
    text = {"x": place["x"] + _CELL / 2 - 0.5, "y": place["y"] + 14, "text-anchor": "middle", "class": "count"}
    return _tag("rect", said, {**place, "class": kind, "opacity": opacity}) + _tag("text", str(rows), text)


def _chart(
    title: str,
    x_name: str,
    y_name: str,
    shapes: Iterable[str],
    *,
    x_ticks: Sequence[tuple[float, str]] = _SHARES,
    y_ticks: Sequence[tuple[float, str]] = _SHARES,
) -> str:
    """Axes from 0 to 1 around the shapes."""
    frame = []
    for share, said in x_ticks:
        frame.append(_line(share, 0, share, 1, "grid"))
        text = {"x": _x(share), "y": _HEIGHT - _BOTTOM + 16, "text-anchor": "middle", "class": "label"}
        frame.append(_tag("text", escape(said), text))
    for share, said in y_ticks:
        frame.append(_line(0, share, 1, share, "grid"))
        text = {"x": _LEFT - 6, "y": _y(share) + 4, "text-anchor": "end", "class": "label"}
        frame.append(_tag("text", escape(said), text))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    frame.append(
        _tag("text", escape(x_name), {"x": middle, "y": _HEIGHT - 8, "text-anchor": "middle", "class": "axis"})
    )
    turned = f"translate(13 {(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)"
    frame.append(_tag("text", escape(y_name), {"transform": turned, "text-anchor": "middle", "class": "axis"}))
    return _svg(title, _WIDTH, _HEIGHT, [*frame, *shapes])


def _svg(title: str, width: float, height: float, shapes: Iterable[str], *, natural: bool = False) -> str:
    attributes = {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": title}
    if natural:
        attributes["style"] = f"width:{width}px"
    return _tag("svg", "".join(shapes), attributes)


def _path(points: Sequence[Sequence[float]], kind: str) -> str:
    steps = " ".join(f"L{_x(x):.1f} {_y(y):.1f}" for x, y in points)
    return _tag("path", "", {"d": f"M{_x(0):.1f} {_y(0):.1f} {steps}", "class": kind})


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return _tag("line", "", {"x1": _x(x1), "y1": _y(y1), "x2": _x(x2), "y2": _y(y2), "class": kind})


def _x(share: float) -> float:
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(share: float) -> float:
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _cut(name: str) -> str:
    return escape(name if len(name) <= 22 else f"{name[:21]}…")


def _title(said: str) -> str:
    return f"<title>{escape(said)}</title>"


def _tag(name: str, content: str, attributes: Mapping[str, Any]) -> str:
    given = "".join(f' {key}="{escape(str(value))}"' for key, value in attributes.items())
    return f"<{name}{given}>{content}</{name}>"
