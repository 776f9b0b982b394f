"""Several hosts: network namespaces with a bridge between them, each with a host name and folders of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean

import pytest
from clusters import PROGRAMS, Program, numbers, weights, write_studies

from toonlab.studies.results.results import StudyResults

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
HOSTS = ("one", "two", "three")  # the scheduler and the driver are on the first


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Host:
    """A network namespace `10.77.0.N` with a folder of its own, which is its programs' home and temporary folder."""

    def __init__(self, name: str, number: int, folder: Path) -> None:
        self.name, self.address, self.folder = f"toonlab-{os.getpid()}-{name}", f"10.77.0.{number}", folder
        self.programs: list[Program] = []
        (folder / "tmp").mkdir(parents=True)
        ip("netns", "add", self.name)

    def connect(self, bridge: str, number: int) -> None:
        cable = f"tl{os.getpid() % 10000}v{number}"
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", cable, "master", bridge, "up")
        for words in (["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            ip("-n", self.name, *words)
        ip("-n", self.name, "link", "set", "lo", "up")

    def start(self, *command: str) -> Program:
        """Start a program in the namespaces of this host."""
        names = f'hostname {self.name} && exec "$@"'
        inside = ["ip", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", names, "sh", *command]
        own = {name: str(self.folder / "tmp") for name in ("TMPDIR", "HOME")}
        own["TOONLAB_CACHE"] = str(self.folder / "cache")
        log = self.folder / f"{len(self.programs)}.log"
        self.programs.append(Program(inside, log, self.folder, own))
        return self.programs[-1]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[Host]]:
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("needs root, iproute2 and unshare")
    bridge, made = f"tl{os.getpid() % 10000}b", []
    try:
        ip("link", "add", bridge, "type", "bridge")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
    try:
        ip("link", "set", bridge, "up")
        for number, name in enumerate(HOSTS, 1):
            made.append(Host(name, number, tmp_path / name))
            made[-1].connect(bridge, number)
        yield made
    finally:
        for host in made:
            for program in host.programs:
                program.kill()
            ip("netns", "del", host.name)
        ip("link", "del", bridge)


def test_a_study_on_three_hosts_without_a_shared_folder(hosts: list[Host], local: Callable[[str], Path]) -> None:
    first, *others = hosts
    write_studies(first.folder)
    first.start(*PROGRAMS["scheduler"], "--host", first.address, "--port", "8786", "--no-dashboard")
    options = ["--nthreads", "1", "--resources", "slot=1", "--no-dashboard", "--local-directory", "tmp"]
    for host in others:
        host.start(*PROGRAMS["worker"], f"tcp://{first.address}:8786", "--name", host.name, *options)
    command = [sys.executable, "-m", "toonlab", "compare", "six.yaml", "--scheduler", f"tcp://{first.address}:8786"]
    driver = first.start(*command)
    assert driver.process.wait(1500) == 0, driver.text
    directory = first.folder / "runs" / "six"
    assert numbers(directory) == numbers(local("six"))
    assert weights(directory) == weights(local("six"))
    ran = [len(list((host.folder / "runs" / "six").glob("*/outcome.json"))) for host in others]
    assert sum(ran) == 6
    assert min(ran) >= 1  # both hosts had a part in it
    report = (directory / "report.html").read_text()
    results = StudyResults.read(directory)
    for measured in results.values("lines").values():
        assert f"{fmean(measured.values()):.3f}" in report
    for cell in results.cells:
        kept = {path.name for path in (directory / cell.run).iterdir()}
        assert {"metrics.jsonl", "outcome.json", "recipe.yaml", "environment.json", "samples"} <= kept
        assert not list((directory / cell.run).rglob("state.pt"))
