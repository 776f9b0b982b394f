"""What `deploy/` starts: commands with options that there are, services and volumes that are declared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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
PASSWORD = "secret"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """`compose.yaml` with its variables filled in as compose does."""
    text = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)", text)) == {"TOONLAB_PASSWORD", "TOONLAB_HOST", "TOONLAB_EXPERIMENT"}
    text = re.sub(r"\$\{TOONLAB_PASSWORD:\?[^}]*\}", PASSWORD, text)
    loaded: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    return loaded


def options(command: click.Command, arguments: list[str]) -> dict[str, Any]:
    """What a command makes of its arguments; fails where it would refuse them."""
    return command.make_context(command.name, list(arguments)).params


@pytest.fixture(scope="module")
def worker(compose: dict[str, Any]) -> dict[str, Any]:
    program, name, *arguments = compose["services"]["worker"]["command"]
    assert program == "toonlab"
    group = typer.main.get_command(app)
    command = group.get_command(click.Context(group), name)
    return options(command, arguments)


@pytest.fixture(scope="module")
def server(compose: dict[str, Any]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, at MLflow
        from mlflow.cli import cli

    program, name, *arguments = compose["services"]["mlflow"]["command"]
    assert program == "mlflow"
    return options(cli.get_command(click.Context(cli), name), arguments)


def test_everything_named_is_declared(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"database", "mlflow", "worker"}
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        assert all(services[name]["healthcheck"] for name in service.get("depends_on", ()))
        assert {volume.partition(":")[0] for volume in service.get("volumes", ())} <= set(compose["volumes"])
        assert {config["source"] for config in service.get("configs", ())} <= set(compose["configs"])
        if "build" in service:
            assert (ROOT / "deploy" / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_the_worker_shares_a_study_and_is_tracked(compose: dict[str, Any], worker: dict[str, Any]) -> None:
    assert worker["experiment"] in paths.listed("experiments")
    storage, database = urlsplit(worker["storage"]), compose["services"]["database"]["environment"]
    assert (storage.username, storage.password) == (database["POSTGRES_USER"], database["POSTGRES_PASSWORD"])
    assert (storage.hostname, storage.path) == ("database", f"/{database['POSTGRES_DB']}")
    mounted = {volume.partition(":")[2] for volume in compose["services"]["worker"]["volumes"]}
    assert {str(worker["runs"]), compose["services"]["worker"]["environment"]["TOONLAB_CACHE"]} == mounted


def test_mlflow_has_a_database_of_its_own_and_lets_the_workers_in(
    compose: dict[str, Any], worker: dict[str, Any], server: dict[str, Any]
) -> None:
    from mlflow.server.security_utils import is_allowed_host_header

    store = urlsplit(server["backend_store_uri"])
    assert store.hostname == "database"
    assert store.path != urlsplit(worker["storage"]).path
    assert compose["configs"]["mlflow-database"]["content"] == f"CREATE DATABASE {store.path[1:]};"
    tracking = urlsplit(worker["tracking_uri"])
    assert (tracking.hostname, tracking.port) == ("mlflow", server["port"])
    allowed = server["allowed_hosts"].split(",")
    assert is_allowed_host_header(allowed, tracking.netloc)
    assert is_allowed_host_header(allowed, "localhost:5000")
    assert not is_allowed_host_header(allowed, "elsewhere.example:5000")


def test_the_image_gets_everything_that_the_package_is_built_from() -> None:
    kept = {
        line[1:]
        for line in (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert {"pyproject.toml", "README.md", "LICENSE", "toolkit", "plugins", "baselines", "experiments"} == kept
    extras = re.search(r"'\.\[(.*)\]'", (ROOT / "deploy" / "Dockerfile").read_text())
    assert extras is not None
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras[1].split(",")) <= set(known)
    assert "postgres" in extras[1]


@pytest.mark.parametrize(
    ("storage", "arguments", "says"),
    [
        ("", ["nowhere.yaml"], "TOONLAB_STORAGE: give the storage that the workers share"),
        ("sqlite:///s.db", [], "usage: sbatch deploy/slurm.sh EXPERIMENT"),
        ("sqlite:///s.db", ["nowhere.yaml", "train.steps=3"], "error: nowhere.yaml: no such file"),
    ],
)
def test_the_slurm_script_starts_a_worker(tmp_path: Path, storage: str, arguments: list[str], says: str) -> None:
    """The command is the real one: it gets as far as looking for the experiment."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TOONLAB_STORAGE": storage,
        "TOONLAB_TRACKING_URI": "http://localhost:1",
    }
    script = ["bash", str(ROOT / "deploy" / "slurm.sh"), *arguments]
    done = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert "No such option" not in done.stderr
