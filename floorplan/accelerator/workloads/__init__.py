"""Workloads of language models as traces of requests: a chatbot and agents, with the arithmetic of prompt caches."""

from floorplan.accelerator.workloads.coding import CodingSession, coding_session
from floorplan.accelerator.workloads.presets import WORKLOADS, workload
from floorplan.accelerator.workloads.trace import Workload, WorkloadError

__all__ = ["WORKLOADS", "CodingSession", "Workload", "WorkloadError", "coding_session", "workload"]
