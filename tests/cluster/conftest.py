"""The project in a folder of its own, a small synthetic world, and a Slurm of two nodes on this machine."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import CONFIG, ONE, ROOT, tool, until


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    command = [sys.executable, "-m", "datasets.demo", "--scale", "smoke", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def opts(world) -> list[str]:
    """Of short runs: 40 epochs of 18 steps, saved every other second."""
    short = "max_epoch=39 total_bs=8 save_minutes=0.03 scheduler.kwargs.epochs=40 npoints=128 model.num_group=8"
    short += " model.transformer_config.depth=1 model.transformer_config.decoder_depth=1"
    return ["--num_workers", "0", "--opts", f"data_root={world}", *short.split()]


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A folder with links to the project's files."""
    folder = tmp_path_factory.mktemp("project")
    for path in ROOT.iterdir():
        if path.name not in (".git", "experiments", "data"):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="session")
def unbroken(project, opts) -> str:
    """The name of a run of two processes on this host."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [*ONE, "--config", CONFIG, "--exp_name", "unbroken", *opts]
    subprocess.run(command, cwd=project, env=environment, check=True)
    return "unbroken"


@pytest.fixture(autouse=True)
def inside(project, monkeypatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


SLURM = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=17000
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=1,bf_interval=1
ReturnToService=2
NodeName=node[1-2] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[17001-17002] CPUs=4
PartitionName=main Nodes=ALL Default=YES PriorityTier=1
PartitionName=urgent Nodes=ALL PriorityTier=2
"""


@pytest.fixture(scope="session")
def slurm(tmp_path_factory) -> Iterator[None]:
    """munged, slurmctld and two slurmd from their packages, without systemd; SLURM_CONF names them to the commands."""
    folder = tmp_path_factory.mktemp("slurm")
    (folder / "slurm.conf").write_text(SLURM.format(folder=folder))
    (folder / "state").mkdir()
    (folder / "munge.key").write_bytes(os.urandom(64))
    (folder / "munge.key").chmod(0o400)
    files = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    conf = os.environ["SLURM_CONF"] = f"{folder}/slurm.conf"
    try:
        subprocess.run(["munged", "--force", f"--socket={folder}/munge.socket", *files], check=True)
        subprocess.run(["slurmctld", "-f", conf], check=True)
        for node in ("node1", "node2"):
            subprocess.run(["slurmd", "-f", conf, "-N", node], check=True)
        until(lambda: tool("sinfo", "--noheader", "--format", "%D %t") == "2 idle", 60)
        yield
    finally:
        tool("scancel", "--user", "root")
        until(lambda: not tool("squeue", "--noheader"))
        for path in folder.glob("*.pid"):
            os.kill(int(path.read_text()), signal.SIGTERM)
        until(lambda: not list(folder.glob("slurm*.pid")), 60)
        del os.environ["SLURM_CONF"]
        shutil.rmtree(folder)
