#!/usr/bin/env bash
# Workers on one study, each a task of its own with one GPU:
#
#     export TOONLAB_STORAGE=postgresql+psycopg://USER:PASSWORD@HOST/optuna
#     export TOONLAB_TRACKING_URI=http://HOST:5000    # of MLflow
#     sbatch --array=0-15 deploy/slurm.sh experiments/ctss_ablation.yaml [KEY=VALUE]...
#
# Runs lie in $TOONLAB_RUNS (./runs if not given): on a file system that all nodes see, a worker that is lost costs no
# more than what its cell did since the last checkpoint.
#SBATCH --job-name=toonlab
#SBATCH --array=0-7
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=12:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=toonlab-%A_%a.log
set -euo pipefail
: "${TOONLAB_STORAGE:?give the storage that the workers share, such as postgresql+psycopg://USER:PASSWORD@HOST/optuna}"
[ $# -gt 0 ] || { echo "usage: sbatch deploy/slurm.sh EXPERIMENT [KEY=VALUE]..." >&2; exit 2; }

# In place of this shell, so that Slurm's SIGTERM, two minutes before the end, reaches the worker: it saves its cell and
# gives it back, and another worker goes on with it.
exec toonlab worker "$@" --storage "$TOONLAB_STORAGE" --runs "${TOONLAB_RUNS:-runs}" \
  ${TOONLAB_TRACKING_URI:+--tracking-uri "$TOONLAB_TRACKING_URI"}
