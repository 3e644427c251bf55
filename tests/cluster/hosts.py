"""Two hosts, each a network namespace, between which there is a link that can be cut."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from common import CONFIG, RUNS, assert_same, tool, until
from utils.checkpoint import load_checkpoint
from utils.logging import read_metrics

ADDRESSES = ("10.77.0.1", "10.77.0.2")


@pytest.fixture(scope="module")
def names() -> Iterator[list[str]]:
    names = [f"recon{os.getpid()}-{letter}" for letter in "ab"]
    try:
        for name in names:
            tool("ip", "netns", "add", name)
        ends = ["type", "veth", "peer", "name", "eth0", "netns", names[1]]
        tool("ip", "-n", names[0], "link", "add", "eth0", *ends)
        for name, address in zip(names, ADDRESSES, strict=True):
            tool("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            tool("ip", "-n", name, "link", "set", "lo", "up")
            tool("ip", "-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name])


@pytest.fixture
def hosts(names) -> Iterator:
    """Run pretraining on a host: what one would type there; what it starts ends with the test."""
    started: list[subprocess.Popen] = []

    def run(number: int, name: str, *words: str, **environment: str) -> subprocess.Popen:
        own = {"NNODES": "2", "MASTER_ADDR": ADDRESSES[0], "NODE_RANK": str(number), "LOCAL_ADDR": ADDRESSES[number]}
        own |= {"JOB_ID": name, "CONFIG": CONFIG, "PYTHON": sys.executable, "GLOO_SOCKET_IFNAME": "eth0", **environment}
        command = ["ip", "netns", "exec", names[number], "bash", "scripts/pretrain.sh", "cpu", name, *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, env=os.environ | own, **pipes))
        return started[-1]

    yield run
    for name in names:
        kill_host(name)
    for process in started:
        process.wait()


def kill_host(name: str) -> None:
    """End all processes of a host, as if its power were cut; those of the other see closed connections."""
    for process in tool("ip", "netns", "pids", name).split():
        os.kill(int(process), signal.SIGKILL)


def trained(name: str) -> int:
    return (read_metrics(RUNS / name) or {"epochs": 0})["epochs"]


def reached(name: str) -> tuple[int, int]:
    """Epoch and step of the last checkpoint."""
    state = load_checkpoint(RUNS / name / "ckpt-last.pth")
    return state["epoch"], state["step"]


def test_two_hosts_are_two_processes(hosts, opts, unbroken):
    runs = [hosts(number, "two", *opts) for number in (0, 1)]
    for run in runs:
        said, _ = run.communicate(timeout=400)
        assert run.returncode == 0, said
    assert_same("two", unbroken)


def test_the_link_is_cut(hosts, names, opts, unbroken):
    """Both hosts end with one line, and the run goes on from what was saved."""
    runs = [hosts(number, "cut", "--timeout", "0.5", *opts) for number in (0, 1)]
    until(lambda: trained("cut") >= 2, 300)
    tool("ip", "-n", names[1], "link", "set", "eth0", "down")
    try:
        for run in runs:
            said, _ = run.communicate(timeout=240)
            lines = [line for line in said.splitlines() if line.startswith("error: ")]
            assert run.returncode == 2 and len(lines) == 1 and "Traceback" not in said, said
            assert re.search("did not answer|have lost each other", lines[0])
    finally:
        tool("ip", "-n", names[1], "link", "set", "eth0", "up")
    epoch, step = reached("cut")
    runs = [hosts(number, "cut", *opts) for number in (0, 1)]
    said = [run.communicate(timeout=400)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert f"resuming at epoch {epoch + (step == 0)}, step {step}" in said[0] + said[1]
    assert_same("cut", unbroken)


def test_a_host_goes_and_comes_back(hosts, names, opts):
    """The other goes on alone, and with it again."""
    elastic = {"NNODES": "1:2", "MAX_RESTARTS": "3"}
    first, second = (hosts(number, "elastic", *opts, "max_epoch=99999", **elastic) for number in (0, 1))
    until(lambda: trained("elastic") >= 1 and read_metrics(RUNS / "elastic")["processes"] == 2, 300)
    kill_host(names[1])
    second.communicate()
    at = reached("elastic")
    until(lambda: read_metrics(RUNS / "elastic")["processes"] == 1, 300)
    assert reached("elastic") >= at
    again = hosts(1, "elastic", *opts, "max_epoch=99999", **elastic)
    until(lambda: read_metrics(RUNS / "elastic")["processes"] == 2, 300)
    at = trained("elastic")
    until(lambda: trained("elastic") > at)
    for run in (first, again):
        os.kill(run.pid, signal.SIGTERM)
    said, _ = first.communicate(timeout=60)
    assert first.returncode == again.wait(timeout=60) == 75, said
    assert "resuming with 1 processes instead of 2" in said and "resuming with 2 processes instead of 1" in said
