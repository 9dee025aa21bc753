"""What `doctor` says of the machine: which of its parts the node sees, and what it takes to see more."""

from __future__ import annotations

from collections.abc import Iterator

from islandrun_node.cli.findings import Check, State


def hardware() -> Iterator[Check]:
    """Read every probe once. What is not seen is no fault: a rule on it holds nothing back."""
    from islandrun_node.probes.graphics import GpuProbe, installed
    from islandrun_node.probes.watch import Probes

    machine = Probes().read()
    seen = {
        "processors": machine.cpu_ppm,
        "memory": machine.memory_ppm,
        "mains or battery": machine.is_on_battery,
        "metered network": machine.is_metered,
        "throttling": machine.is_throttled,
    }
    known = [name for name, value in seen.items() if value is not None]
    unknown = [name for name, value in seen.items() if value is None]
    detail = f"sees {', '.join(known)}" + (f"; cannot tell: {', '.join(unknown)}" if unknown else "")
    yield Check("hardware", State.OK, detail)
    nvml = installed()
    gpus = GpuProbe(nvml).read().gpus
    if gpus:
        yield Check("gpu", State.OK, f"{gpus} NVIDIA GPUs seen")
    elif nvml is None:
        yield Check("gpu", State.OK, "no GPU figures: for an NVIDIA GPU run pip install 'islandrun[nvidia]'")
    else:
        yield Check("gpu", State.OK, "no GPU figures: no NVIDIA driver answers")
