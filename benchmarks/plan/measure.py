"""How well `seq2seq train --plan` foretells: each recipe planned, then trained, with the same settings.

    python benchmarks/plan/measure.py recipes/toy-reverse/{transformer,lstm}.yaml [--set KEY=VALUE]... [--updates 60]

Memory is the high-water mark of the resident set of the training's own process, as the kernel reports it. The recipe
is checked before, so that neither pays for the vocabulary and the ids. Prints a Markdown table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measured(command: list[str], out: Path) -> tuple[float, float]:
    """Wall-clock seconds of a command and the most memory it had, in MB."""
    begun = time.perf_counter()
    with out.open("w") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}")
    return time.perf_counter() - begun, usage.ru_maxrss * 1024 / 1e6


def compare(recipe: str, settings: list[str], device: str, folder: Path) -> str:
    program = [sys.executable, "-m", "seq2seq"]
    changes = [word for setting in settings for word in ("--set", setting)]
    checked = subprocess.run([*program, "recipes", "check", recipe, *changes], check=False, stdout=subprocess.DEVNULL)
    if checked.returncode:
        sys.exit(f"{recipe}: see above")
    command = [*program, "train", recipe, "--device", device, *changes]
    measured([*command, "--plan", "--json"], folder / "plan.json")
    plan = json.loads((folder / "plan.json").read_text())
    seconds, memory = measured([*command, "--out", str(folder / "run")], folder / "log")
    summary = json.loads((folder / "run" / "summary.json").read_text())
    if device.startswith("cuda"):
        memory = float("nan")  # of the GPU, not of the process
    update = 1000 * summary["seconds"] / summary["updates"]
    cells = [recipe]
    for planned, found in (
        (plan["peak_memory_mb"], memory),
        (1000 * plan["seconds_per_update"], update),
        (plan["seconds"], seconds),
    ):
        cells += [f"{planned:,.1f}", f"{found:,.1f}", f"{planned / found - 1:+.0%}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    settings = [f"training.updates={options.updates}", f"training.validate_every={options.updates // 2}"]
    print("| recipe | memory planned, MB | found | off | an update planned, ms | found | off", end="")
    print(" | all planned, s | found | off |\n|:--|" + "--:|" * 9, flush=True)
    for recipe in options.recipes:
        with tempfile.TemporaryDirectory() as folder:
            row = compare(recipe, [*settings, *options.settings], options.device, Path(folder))
        print(row, flush=True)


if __name__ == "__main__":
    main()
