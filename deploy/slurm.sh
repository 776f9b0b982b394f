#!/usr/bin/env bash
# Workers of a Dask scheduler, each a task of its own with one GPU; the scheduler writes the file where it runs:
#
#     dask scheduler --scheduler-file scheduler.json &
#     sbatch --array=0-15 deploy/slurm.sh scheduler.json
#     toonlab compare experiments/ctss_ablation.yaml --scheduler scheduler.json
#
# docs/scaling.md says more. Any number of arrays may serve one scheduler, at any time.
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
[ $# -gt 0 ] || { echo "usage: sbatch deploy/slurm.sh SCHEDULER_FILE [OPTION OF dask worker]..." >&2; exit 2; }
file=$1
shift

# Two minutes before the end Slurm sends SIGTERM: the worker leaves, its cell saves, and another worker takes it over. The
# task must not end before the cell's process has saved. Local files of Dask lie on the node's own disk.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}} # Dask sets 1 otherwise
dask worker --scheduler-file "$file" --nthreads 1 --resources slot=1 --no-dashboard \
  --local-directory "${TMPDIR:-/tmp}" "$@" &
worker=$!
trap 'kill -TERM $worker' TERM
wait $worker || wait $worker || true
for _ in {1..100}; do
  pgrep --session 0 --full toonlab.studies >/dev/null || exit 0
  sleep 1
done
