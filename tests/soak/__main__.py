"""Soak test: pretraining that is stopped and killed over and over ends as one that never was.

`python -m tests.soak --minutes 30 --processes 2` trains the demo's model on a small synthetic world, first without a
break for two fifths of the time, then the same epochs with a signal about every minute: SIGTERM, SIGINT, SIGHUP or
SIGUSR1, to one process or to the group, or SIGKILL, to all or to one. After each the run is resumed. In the end
weights, optimizer and metrics are equal bit for bit; memory did not grow; no process, temporary file or shared memory
is left.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import torch
import yaml

from utils.checkpoint import load_checkpoint
from utils.errors import REQUEUE
from utils.logging import progress

ROOT = Path(__file__).parents[2]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGKILL)
GROWTH = 1.05, 64 << 20  # of memory: by this factor and so many bytes at most


class Failure(Exception):
    """What must not happen did."""


class Soak:
    """The runs of one soak test, all below one folder, by which their processes are known."""

    def __init__(self, out: Path, processes: int, workers: int, draw: Random):
        self.out, self.processes, self.workers, self.draw = out, processes, workers, draw
        self.codes: Counter[str] = Counter()
        self.peaks: list[int] = []  # of memory, of each attempt
        for name in ("experiments", "tmp"):
            shutil.rmtree(out / name, ignore_errors=True)
        (out / "tmp").mkdir(parents=True)
        for name in ("cfgs", "datasets"):
            with contextlib.suppress(FileExistsError):
                (out / name).symlink_to(ROOT / name)
        world = [sys.executable, "-m", "datasets.demo", "--out", str(out / "data"), "--scale", "smoke"]
        subprocess.run(world, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def start(self, name: str, *opts: str, resume: bool = False) -> subprocess.Popen:
        """Start or resume a run in a process group of its own."""
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={self.processes}"]
        command = [sys.executable, *launcher * (self.processes > 1), str(ROOT / "main.py"), "--exp_name", name]
        command += ["--config", "cfgs/demo/pretrain.yaml", "--num_workers", str(self.workers)]
        command += ["--launcher", "pytorch"] * (self.processes > 1) + ["--resume"] * resume
        command += ["--opts", "data_root=data", "validate=none", "save_minutes=0.05", *opts]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "TMPDIR": str(self.out / "tmp")}
        with open(self.out / f"{name}.txt", "ab") as log:
            self.log = Path(log.name), log.seek(0, os.SEEK_END)
            return subprocess.Popen(
                command, cwd=self.out, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def said(self) -> bytes:
        """What the run that was started last has printed."""
        path, start = self.log
        return path.read_bytes()[start:]

    def of_run(self) -> list[int]:
        """All processes of the run."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if path.readlink() == self.out and int(path.parent.name) != os.getpid():
                    found.append(int(path.parent.name))
        return found

    def watch(self, run: subprocess.Popen, seconds: float, bar) -> list[int]:
        """Wait for the end of a run, or so long; returns bytes of memory of its largest process, every second."""
        end, sizes = time.monotonic() + seconds, []
        while time.monotonic() < end and run.poll() is None:
            time.sleep(1)
            bar.update(round(min(bar.total - bar.n, 1)))
            sizes.append(max(map(_memory, self.of_run()), default=0))
        return sizes

    def finish(self, run: subprocess.Popen, what: str, allowed: tuple[int, ...]) -> bool:
        """Wait until a run and all of its processes have ended; returns whether it came to its end.

        Raises:
            Failure: if it does not end, or with another status, or leaves something.
        """
        try:
            code = run.wait(timeout=300)
        except subprocess.TimeoutExpired:
            raise Failure(f"{what}: no end after 5 minutes") from None
        what = what if code else "finished"
        self.codes[f"{what}: {code}"] += 1
        if code not in (0, *allowed):
            raise Failure(f"{what}: exit status {code}, see {self.out}/*.txt")
        end = time.monotonic() + 300  # what still starts looks for its torchrun once it is up
        while left := self.of_run():
            if time.monotonic() > end:
                raise Failure(f"{what}: processes {left} are left")
            time.sleep(0.2)
        return code == 0

    def leftovers(self) -> list[str]:
        """Temporary files and shared memory of processes that have ended."""
        left = [str(path) for path in (self.out / "experiments").rglob("*.tmp")]
        for path in Path("/dev/shm").iterdir():
            owner = re.match(r"torch_(\d+)_", path.name)
            if owner and not Path("/proc", owner[1]).exists():
                left.append(str(path))
        return left

    def strike(self, run: subprocess.Popen) -> tuple[str, tuple[int, ...]]:
        """Send a signal; returns what it was, and with which statuses the run may end."""
        number = self.draw.choice(SIGNALS)
        group, name = self.draw.random() < 0.5, number.name
        if number == signal.SIGKILL:
            every = self.of_run()
            workers = [process for process in every if process != run.pid]  # none while torchrun is starting
            chosen = every if group or self.processes == 1 or not workers else [self.draw.choice(workers)]
            for process in chosen:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)
            # torchrun ends with 1 if one of its processes is killed; a loader's worker is a user error.
            return f"{name} to {'all' if chosen == every else 'one'}", (-number, 1, 2)
        (os.killpg if group else os.kill)(run.pid, number)
        saved = 130 if number == signal.SIGINT else REQUEUE
        # torchrun has statuses of its own; before main.py listens, a signal does what it does by default.
        return f"{name} to {'the group' if group else 'one'}", (saved, -number, 1, 128 + number)


def _memory(process: int) -> int:
    """Bytes of memory that a process has; 0 if it has ended."""
    try:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) << 10  # pyright: ignore
    except (OSError, TypeError):
        return 0


def grown(sizes: list[int]) -> bool:
    """Whether the last tenth of some sizes is beyond the tenth in their middle; starting takes a while."""
    tenth, half = max(len(sizes) // 10, 1), len(sizes) // 2
    return len(sizes) > 9 and max(sizes[-tenth:]) > GROWTH[0] * max(sizes[half : half + tenth]) + GROWTH[1]


def same(one: object, two: object) -> bool:
    """Whether two contents of checkpoints are equal bit for bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(two, torch.Tensor) and torch.equal(one, two)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30, help="in all, about (%(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="of the run (%(default)s)")
    parser.add_argument("--every", type=float, default=60, help="seconds between signals, on average (%(default)s)")
    parser.add_argument("--num_workers", type=int, default=2, help="of the loaders of each process (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of signals and moments (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder (%(default)s)")
    args = parser.parse_args()
    signal.signal(signal.SIGHUP, lambda *_: None)  # below nohup the runs would ignore it, too
    soak = Soak(args.out.resolve(), args.processes, args.num_workers, Random(args.seed))
    folders = {name: soak.out / "experiments/pretrain/demo" / name for name in ("unbroken", "broken")}
    try:
        with progress(total=round(60 * args.minutes), unit="s") as bar:
            return _soak(soak, folders, args, bar)
    except Failure as error:
        print(f"failed: {error}")
        return 1
    finally:
        for process in soak.of_run():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _soak(soak: Soak, folders: dict[str, Path], args: argparse.Namespace, bar) -> int:
    # Saved after whole epochs only, so that there is one that both runs come to.
    run = soak.start("unbroken", "max_epoch=100000", "save_minutes=100000")
    sizes = soak.watch(run, 24 * args.minutes, bar)
    if run.poll() is not None:
        raise Failure(f"the unbroken run ended by itself, see {soak.out}/unbroken.txt")
    for process in soak.of_run():
        os.kill(process, signal.SIGKILL)
    soak.finish(run, "unbroken", (-signal.SIGKILL,))
    unbroken = load_checkpoint(folders["unbroken"] / "ckpt-last.pth")
    bar.write(f"unbroken: {unbroken['epoch'] + 1} epochs, memory {max(sizes) >> 20} MiB")

    attempts = 0
    while True:
        run = soak.start("broken", f"max_epoch={unbroken['epoch']}", resume=attempts > 0)
        attempts += 1
        found = soak.watch(run, soak.draw.uniform(0.5, 1.5) * args.every, bar)
        soak.peaks.append(max(found, default=0))
        what, allowed = soak.strike(run) if run.poll() is None else ("nothing", ())
        if soak.finish(run, what, allowed):
            break
        # torchrun kills what does not end within 30 seconds.
        killed = "SIGKILL" in what or b"forcefully exiting via 9" in soak.said()
        if not killed and (left := soak.leftovers()):
            raise Failure(f"{what}: {left[:3]} are left")
        bar.set_postfix_str(f"attempt {attempts}: {what}")
    broken = load_checkpoint(folders["broken"] / "ckpt-last.pth")
    wanted = ("base_model", "optimizer", "epoch", "metrics", "best_metrics")
    differing = [key for key in wanted if not same(unbroken[key], broken[key])]
    print(f"{attempts} attempts, {attempts - 1} interruptions; exit statuses:")
    for what, count in sorted(soak.codes.items()):
        print(f"  {count:3} x {what}")
    print(
        f"memory of the largest process: {yaml.safe_dump([x >> 20 for x in soak.peaks], default_flow_style=True)}",
        end="",
    )
    if differing:
        raise Failure(
            f"{', '.join(differing)} of {folders['broken']}/ckpt-last.pth are not those of {folders['unbroken']}"
        )
    if grown(sizes) or grown(soak.peaks):
        raise Failure("memory has grown")
    if left := soak.leftovers():
        raise Failure(f"left: {left[:3]}")
    print(f"equal bit for bit after {broken['epoch'] + 1} epochs; memory flat, nothing left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
