"""A Dask scheduler and its workers as pods, made by the operator, until Enter is pressed."""

from dask_kubernetes.operator import KubeCluster

cluster = KubeCluster(
    name="mcuref",
    image="registry.example.org/mcuref:0.1.0",  # Python, mcuref with its extra cluster, and the data
    n_workers=40,
    worker_command=["dask", "worker", "--nthreads", "1"],
    env={"MCUREF_DATA": "/data"},
    resources={"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
)
input(f"{cluster.scheduler_address}; Enter ends it ")
