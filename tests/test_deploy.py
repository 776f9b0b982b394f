"""What `deploy/` starts: commands with options that there are, services and volumes that are declared."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import typer
import yaml

from toonlab.cli.app import app
from toonlab.utils import paths

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def options(words: list[str]) -> dict[str, Any]:
    """What a command makes of its arguments; fails where it would refuse them."""
    program, name, *arguments = words
    command = commands(program)[name]
    return command.make_context(name, list(arguments)).params


def commands(program: str) -> dict[str, click.Command]:
    if program == "dask":
        from distributed.cli import dask_scheduler, dask_worker

        return {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, at MLflow
        from mlflow.cli import cli
    group = {"toonlab": typer.main.get_command(app), "mlflow": cli}[program]
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def check_worker(given: dict[str, Any]) -> None:
    """A worker runs one cell at a time, in the slot that studies ask for."""
    assert given["nthreads"] == 1
    assert given["resources"] == "slot=1"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """`compose.yaml` with its variables filled in as compose does."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", text)) == {"TOONLAB_HOST"}
    loaded: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    return loaded["services"] | {"volumes": loaded["volumes"]}


@pytest.fixture(scope="module")
def kubernetes() -> dict[str, Any]:
    """The documents of `kubernetes.yaml`, by kind."""
    return {document["kind"]: document for document in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())}


def test_everything_that_services_name_is_declared(compose: dict[str, Any]) -> None:
    services = {name: service for name, service in compose.items() if name != "volumes"}
    assert set(services) == {"scheduler", "worker", "mlflow", "study"}
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        assert all(services[name]["healthcheck"] for name in service.get("depends_on", ()))
        assert {volume.partition(":")[0] for volume in service.get("volumes", ())} <= set(compose["volumes"])
        assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_workers_serve_the_scheduler_that_studies_ask(compose: dict[str, Any]) -> None:
    scheduler, worker = options(compose["scheduler"]["command"]), options(compose["worker"]["command"])
    check_worker(worker)
    assert worker["scheduler"] == compose["study"]["environment"]["TOONLAB_SCHEDULER"]
    address = urlsplit(worker["scheduler"])
    assert (address.hostname, str(address.port)) == ("scheduler", scheduler["port"])
    assert options(compose["study"]["command"])["experiment"] in paths.listed("experiments")
    study = {volume.partition(":")[2] for volume in compose["study"]["volumes"]}
    assert {"/runs", compose["study"]["environment"]["TOONLAB_CACHE"]} == study
    assert compose["worker"]["volumes"] == compose["study"]["volumes"]


def test_mlflow_lets_the_study_and_its_workers_in(compose: dict[str, Any]) -> None:
    from mlflow.server.security_utils import is_allowed_host_header

    server = options(compose["mlflow"]["command"])
    kept = [server["backend_store_uri"].removeprefix("sqlite:///"), server["artifacts_destination"]]
    assert all(path.startswith(compose["mlflow"]["volumes"][0].partition(":")[2]) for path in kept)
    tracking = urlsplit(compose["study"]["environment"]["TOONLAB_TRACKING_URI"])
    assert (tracking.hostname, tracking.port) == ("mlflow", server["port"])
    allowed = server["allowed_hosts"].split(",")
    assert is_allowed_host_header(allowed, tracking.netloc)
    assert is_allowed_host_header(allowed, "localhost:5000")
    assert not is_allowed_host_header(allowed, "elsewhere.example:5000")


def test_the_image_gets_everything_that_the_package_is_built_from() -> None:
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {"pyproject.toml", "README.md", "LICENSE", "toolkit", "plugins", "baselines", "experiments"} == kept
    extras = re.search(r"'\.\[(.*)\]'", (DEPLOY / "Dockerfile").read_text())
    assert extras is not None
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras[1].split(",")) <= set(known)
    assert "dask" in extras[1]


def test_the_cluster_of_kubernetes(kubernetes: dict[str, Any]) -> None:
    cluster, job = kubernetes["DaskCluster"], kubernetes["Job"]["spec"]["template"]["spec"]
    (worker,) = cluster["spec"]["worker"]["spec"]["containers"]
    (scheduler,) = cluster["spec"]["scheduler"]["spec"]["containers"]
    (study,) = job["containers"]
    check_worker(options(worker["args"]))
    options(scheduler["args"])
    assert options(study["args"])["experiment"] in paths.listed("experiments")
    ports = {port["name"]: port["containerPort"] for port in scheduler["ports"]}
    served = {port["targetPort"]: port["port"] for port in cluster["spec"]["scheduler"]["service"]["ports"]}
    assert served == ports
    address = urlsplit({entry["name"]: entry["value"] for entry in study["env"]}["TOONLAB_SCHEDULER"])
    assert (address.hostname, address.port) == (f"{cluster['metadata']['name']}-scheduler", ports["tcp-comm"])
    for container, pod in ((worker, cluster["spec"]["worker"]["spec"]), (study, job)):
        assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in job["volumes"]]
    assert claims == [kubernetes["PersistentVolumeClaim"]["metadata"]["name"]]


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """An environment in which `dask` is that of this environment."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "dask"
    program.write_text(f'#!/bin/sh\nname=$1; shift\nexec {sys.executable} -m distributed.cli.dask_$name "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}


def test_the_slurm_script_needs_a_scheduler_file(tmp_path: Path, slurm: dict[str, str]) -> None:
    script = ["bash", str(DEPLOY / "slurm.sh")]
    done = subprocess.run(script, cwd=tmp_path, env=slurm, capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage: sbatch deploy/slurm.sh SCHEDULER_FILE" in done.stderr


def test_the_slurm_script_is_a_worker_that_leaves_at_sigterm(tmp_path: Path, slurm: dict[str, str]) -> None:
    from distributed import Client

    place = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", "scheduler.json"]
    scheduler = subprocess.Popen(["dask", "scheduler", *place], cwd=tmp_path, env=slurm, stderr=subprocess.DEVNULL)
    script = ["bash", str(DEPLOY / "slurm.sh"), "scheduler.json", "--name", "first"]
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(script, cwd=tmp_path, env=slurm, stdout=log, stderr=log, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "scheduler.json").exists() and time.monotonic() < until:
            time.sleep(0.1)
        with Client(scheduler_file=str(tmp_path / "scheduler.json"), timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
            (info,) = client.scheduler_info()["workers"].values()
            assert (info["name"], info["nthreads"], info["resources"]) == ("first", 1, {"slot": 1})
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0, (tmp_path / "log").read_text()
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
