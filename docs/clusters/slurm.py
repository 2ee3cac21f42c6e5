"""A Dask scheduler on this computer, and its workers as SLURM jobs, until Enter is pressed."""

from dask_jobqueue import SLURMCluster

cluster = SLURMCluster(
    queue="batch",
    account="my-account",
    walltime="04:00:00",
    cores=20,  # of a job
    processes=20,  # workers of a job: one a core, each of one thread
    memory="40GB",  # of a job
    job_script_prologue=["export MCUREF_DATA=/shared/mcuref/data"],
    scheduler_options={"port": 8786},
)
cluster.scale(jobs=2)
cluster.get_client().wait_for_workers(1)
input(f"--scheduler {cluster.scheduler_address}; Enter ends it ")
