"""A Ray cluster, and the applications of Ray Serve on it: where replicas run, how many, and on what."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, Self

from motion.errors import BadConfig, MissingPart
from runtime.generation.pipeline import Pipeline
from runtime.transport.start import Start
from runtime.workers.replica import Replica

LOCAL: Final = "local"
"""instead of a cluster's address: Ray on this machine, started and stopped with the server"""
_LOOK_S: Final = 0.2
"""how often Ray is asked whether an application runs"""
_MANY: Final = 1000  # orders that a replica takes: they wait in it, where live sessions go before clips


@dataclass(frozen=True)
class Scale:
    """How many replicas, where, and on what."""

    ray: str = LOCAL
    """address of a Ray cluster, or "local\""""
    least: int = 1
    most: int = 4
    cpus: float = 1.0
    """of each replica, as Ray counts them"""
    gpus: float = 0.0
    up_s: float = 2.0
    """how long too much has to wait before there is one more"""
    down_s: float = 60.0
    """how long too little before there is one less"""


class Cluster:
    """A Ray cluster on which replicas are deployed. Entering it connects, and starts Ray where it is our own."""

    def __init__(self, scale: Scale) -> None:
        self.host = "127.0.0.1"
        """of this machine, as replicas reach it"""
        self._scale = scale
        self._local = scale.ray == LOCAL

    def __enter__(self) -> Self:
        """Raises MissingPart without Ray, and BadConfig where no cluster can be had."""
        self._ray, self._serve = _ray()
        try:
            self._ray.init(
                None if self._local else self._scale.ray,
                **({"include_dashboard": False, "log_to_driver": False} if self._local else {}),
                configure_logging=False,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise BadConfig(
                f"no Ray cluster can be had at {self._scale.ray!r}: {error}; start one, or use 'local'"
            ) from error
        if not self._local:
            self.host = self._ray.util.get_node_ip_address()
        self._serve.start(proxy_location="Disabled")
        return self

    def __exit__(self, *exc: object) -> None:
        if self._local:
            self._serve.shutdown()
        self._ray.shutdown()

    def run(
        self, name: str, start: Start, open_pipeline: Callable[[Start, ExitStack], Pipeline], ending: threading.Event
    ) -> Any:
        """Deploy replicas as an application; the handle by which they get orders. It takes its time, unless the server
        is `ending`, and whatever Ray makes of a failure is raised."""
        scale = self._scale
        deployment = self._serve.deployment(
            Replica,
            name="worker",
            max_ongoing_requests=_MANY,
            ray_actor_options={"num_cpus": scale.cpus, "num_gpus": scale.gpus},
            health_check_period_s=2.0,
            autoscaling_config={
                "min_replicas": scale.least,
                "initial_replicas": scale.least,
                "max_replicas": scale.most,
                "target_ongoing_requests": start.slots,
                "upscale_delay_s": scale.up_s,
                "downscale_delay_s": scale.down_s,
                "metrics_interval_s": 0.5,
                "look_back_period_s": 2.0,
            },
        )
        target = self._serve.RunTarget(deployment.bind(start, open_pipeline), name=name, route_prefix=None)
        # Ray's own way of waiting cannot be ended, and a thread that asks Ray something after its end ends the process.
        (handle,) = self._serve.run_many([target], wait_for_applications_running=False)
        while not ending.wait(_LOOK_S):
            told = self._serve.status().applications.get(name)
            if told is not None and told.status == "DEPLOY_FAILED":
                raise RuntimeError(told.message)
            if told is not None and told.status == "RUNNING":
                break
        return handle

    def delete(self, name: str) -> None:
        """End an application."""
        self._serve.delete(name)


def _ray() -> tuple[Any, Any]:
    """Ray and Ray Serve. Raises MissingPart."""
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise MissingPart(f"replicas need Ray, which is not installed ({error}): pip install -e '.[ray]'") from error
    return ray, serve
