"""The web application behind `python -m tools.serve`; it trusts neither files nor other pages."""

import html
import tempfile
import threading
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from flask import Flask, Response, abort, request
from plotly import graph_objects as go
from plotly.offline import get_plotlyjs
from torch import Tensor
from werkzeug.exceptions import HTTPException

from datasets.folder import SUFFIXES, read_for_encoder
from extensions import farthest_point_sample, gather
from models.encoder import EncoderWarning, Encoding, PointEncoder
from tools.report import figures
from tools.report.exhibits import TOP, Bars, Cloud
from tools.report.page import fill
from tools.visualize.attention import block_attention, over_points
from utils.errors import UserError
from utils.geometry import Up, normalize_unit_sphere, turn_up

MAX_BYTES = 64 << 20  # of a file
MAX_LABELS, MAX_LABEL = 500, 60
DRAWN = 2048  # points of a cloud on the page
AXES: tuple[Any, ...] = get_args(Up)
KEPT = 8  # shapes that the server remembers
QUERIES = {"cls": "class query", "img": "image query", "text": "text query"}
HEADER = "X-ReCon"  # which a page of another origin may not send
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'"


@dataclass
class UploadedShape:
    """What is kept of a shape: its features, and its attention over patches, interpolated to the drawn points.

    Attributes:
        encoding: of one cloud.
        nearest: (n,) patch nearest to each drawn point.
        local: (G, n) attention of each local token, in 0..1.
        queries: (n,) that of each query by its name.
    """

    encoding: Encoding
    nearest: Tensor
    local: Tensor
    queries: dict[str, Tensor]


def create_app(encoder: PointEncoder, labels: list[str] | None, hosts: set[str]) -> Flask:
    """Build the application.

    Args:
        encoder: names the shapes.
        labels: names to choose from where the page gives none; None for those of the encoder.
        hosts: what requests may call this server, such as "127.0.0.1:7860"; others come from a name that was rebound.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES
    shapes: OrderedDict[int, UploadedShape] = OrderedDict()
    busy = threading.Lock()
    numbers = iter(range(1, 1 << 62))

    @app.before_request
    def guard() -> None:
        if request.host not in hosts:
            abort(403, "this server answers to its local address only")
        if request.method == "POST" and HEADER not in request.headers:
            abort(403, f"requests need the header {HEADER}")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.errorhandler(Exception)
    def tell(error: Exception) -> tuple[dict[str, str], int]:
        if isinstance(error, UserError | ValueError):
            return {"error": str(error)}, 400
        if isinstance(error, HTTPException):
            large = f"the file is larger than {MAX_BYTES >> 20} MB"
            return {"error": large if error.code == 413 else str(error.description)}, error.code or 500
        app.logger.exception("a request failed")
        return {"error": "the server failed; its terminal says why"}, 500

    @app.get("/")
    def page() -> Response:
        known = html.escape(", ".join(encoder.class_names if labels is None else labels))
        kinds = {"suffixes": ",".join(SUFFIXES), "kinds": ", ".join(SUFFIXES)}
        content = fill(Path(__file__).with_name("page.html"), header=HEADER, known=known, **kinds)
        return Response(content, mimetype="text/html")

    @app.get("/plotly.js")
    def plotly() -> Response:
        return Response(get_plotlyjs(), mimetype="text/javascript")

    @app.post("/shape")
    def shape() -> dict[str, Any]:
        name = request.args.get("name", "")
        up: Any = request.args.get("up", "y")
        suffix = Path(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise UserError(f"'{name[:100]}' is none of {', '.join(SUFFIXES)}")
        if up not in AXES:
            raise UserError(f"up must be one of {', '.join(AXES)}")
        with busy:
            points = _read(request.get_data(), name, suffix, encoder)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", EncoderWarning)
                encoding = encoder.encode(points, up=up)
            drawn, kept = _look(encoder, points, up, encoding)
            number = next(numbers)
            shapes[number] = kept
            while len(shapes) > KEPT:
                shapes.popitem(last=False)
            cloud = _json(figures.draw_panel(Cloud(Path(name).name[:60], drawn.numpy())))
            queries = {key: QUERIES.get(key, key) for key in kept.queries}
            told = [str(warning.message) for warning in caught]
            return {"id": number, "cloud": cloud, "queries": queries, "warnings": told, **_names(kept)}

    @app.post("/names")
    def names() -> dict[str, Any]:
        with busy:
            return _names(_known())

    @app.post("/attention")
    def attention() -> dict[str, Any]:
        """Colours of the drawn points: attention of the local token nearest to a point, or of a query."""
        kept, query = _known(), request.args.get("query")
        if query is not None:
            if query not in kept.queries:
                raise UserError(f"there is no query '{query[:20]}'")
            return {"values": kept.queries[query].tolist(), "what": QUERIES.get(query, query)}
        point = request.args.get("point", type=int)
        if point is None or not 0 <= point < len(kept.nearest):
            raise UserError("point must be the number of a drawn point")
        token = int(kept.nearest[point])
        return {"values": kept.local[token].tolist(), "what": f"local token {token + 1}"}

    def _known() -> UploadedShape:
        number = request.args.get("id", type=int)
        if number not in shapes:
            raise UserError("this shape is not kept any more: open it again")
        return shapes[number]

    def _names(kept: UploadedShape) -> dict[str, Any]:
        given = [name.strip() for name in request.args.get("labels", "").split(",") if name.strip()]
        if len(given) > MAX_LABELS or any(len(name) > MAX_LABEL for name in given):
            raise UserError(f"at most {MAX_LABELS} names of at most {MAX_LABEL} letters")
        found = encoder.classify_encoding(kept.encoding, given or labels)
        best = found.top(TOP)[0]
        bars = Bars("probability", [name for name, _ in best], [value for _, value in best])
        return {"names": _json(figures.draw_panel(bars)), "best": best[0][0]}

    return app


def _read(content: bytes, name: str, suffix: str, encoder: PointEncoder) -> np.ndarray:
    """Read an uploaded file, which nothing but its suffix and its content is taken from."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"shape{suffix}")
        path.write_bytes(content)
        try:
            return read_for_encoder(str(path), encoder.npoints, encoder.network.group_size, name=name)
        except UserError as error:
            raise UserError(str(error).replace(str(path), name)) from None


@torch.no_grad()
def _look(encoder: PointEncoder, points: np.ndarray, up: Any, encoding: Encoding) -> tuple[Tensor, UploadedShape]:
    """Return the points to draw (n, 3), on the CPU, and what is kept of the shape."""
    cloud = torch.as_tensor(points, dtype=torch.float32, device=encoder.device)[:, :3]
    cloud = normalize_unit_sphere(turn_up(cloud - cloud[0], up))[None]

    def reduced(most: int) -> Tensor:
        return gather(cloud, farthest_point_sample(cloud, most)) if cloud.shape[1] > most else cloud

    fed, drawn = reduced(encoder.npoints), reduced(DRAWN)
    network = encoder.network
    tokens, centers, _ = network.tokenize(encoder.patches(fed))
    query, local = (weights.mean(1) for weights in block_attention(network, tokens, centers)[-1])
    values, nearest = over_points(torch.cat((local, query), dim=1), centers, drawn)
    values = values[0].cpu()
    groups = local.shape[1]
    queries = dict(zip(network.names, values[groups:], strict=False))
    return drawn[0].cpu(), UploadedShape(encoding, nearest[0].cpu(), values[:groups], queries)


def _json(figure: go.Figure) -> Any:
    content = figure.to_plotly_json()
    content["layout"].pop("template", None)
    return _plain(content)


def _plain(value: Any) -> Any:
    """Lists for arrays, as Flask writes JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
