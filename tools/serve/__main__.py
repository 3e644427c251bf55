"""Command line: `python -m tools.serve` opens a local page that names the shapes dropped on it."""

import logging

import torch

from models import load_pretrained
from models.pretrained import DEFAULT
from utils.errors import Parser, UserError, run_command

HOST = "127.0.0.1"  # this machine only


def main() -> None:
    """See `python -m tools.serve --help`."""
    parser = Parser(
        prog="python -m tools.serve",
        description="A page on this machine: drop a mesh or a cloud, see it, its five best names, and what a clicked "
        "point attends to.",
    )
    parser.add_argument(
        "--ckpts",
        default=DEFAULT,
        metavar="SOURCE",
        help="a checkpoint, the name of shipped weights or hub:OWNER/NAME (%(default)s)",
    )
    parser.add_argument("--labels", metavar="NAME,NAME", help="names to choose from (those of the weights)")
    parser.add_argument("--port", type=int, default=7860, metavar="N", help="(%(default)s; 0: a free one)")
    args = parser.parse_args()
    try:
        from werkzeug.serving import make_server

        from tools.serve.app import create_app
    except ModuleNotFoundError as error:
        if error.name not in ("flask", "werkzeug"):
            raise
        raise UserError("flask is needed for this page: pip install -r requirements-serve.txt") from None
    if not 0 <= args.port < 65536:
        raise UserError(f"--port must be in 0..65535, got {args.port}")
    labels = None if args.labels is None else [name.strip() for name in args.labels.split(",") if name.strip()]
    encoder = load_pretrained(args.ckpts, device="cuda" if torch.cuda.is_available() else "cpu")
    if labels is not None and encoder.network.cls_head_finetune is None:
        encoder.name_features(labels)  # what is wrong with them is said now
    hosts: set[str] = set()
    app = create_app(encoder, labels, hosts)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        server = make_server(HOST, args.port, app, threaded=True)
    except (OSError, SystemExit):
        raise UserError(f"port {args.port} of {HOST} cannot be had; --port names another") from None
    hosts |= {f"{name}:{server.port}" for name in (HOST, "localhost")}
    print(f"http://{HOST}:{server.port} (stop with Ctrl-C)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()


if __name__ == "__main__":
    run_command(main)
