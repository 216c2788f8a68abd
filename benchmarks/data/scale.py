"""How fast, and in how much memory, millions of pairs are prepared and trained on.

Makes a corpus by repeating and perturbing the pairs of a small one, prepares it and trains a few updates, each in a
process of its own, and prints a line for each size:

    python benchmarks/data/scale.py FOLDER/train.de FOLDER/train.en --pairs 1 5 --work /tmp/scale

Peak memory is the sum of proportional set sizes (pages that processes share are counted once) of a process and its
workers, looked at ten times a second; anonymous memory, which only the process itself can give back, stands beside it.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MILLION = 1_000_000
RECIPE = """
data: {{source: a, target: b, corpus: {corpus}, tests: [valid]}}
tokenizer: {{kind: {kind}, vocabulary: 8000}}
model: {{kind: transformer, model_dim: 64, feed_forward_dim: 128, num_heads: 4, encoder_layers: 1, decoder_layers: 1}}
training: {{updates: 10, batch_tokens: 4096, validate_every: 10, validation_bleu: 0, schedule: {{warmup: 5}}}}
"""


def make(source: Path, target: Path, folder: Path, pairs: int) -> None:
    """`pairs` pairs, each that of a random line with one word of either side taken from another line."""
    sides = [path.read_text(encoding="utf-8").splitlines() for path in (source, target)]
    draw = random.Random(pairs)
    making = folder.with_name("making")
    making.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", pairs), ("valid", 500)):
        with (making / f"{name}.a").open("w") as one, (making / f"{name}.b").open("w") as other:
            for _ in range(count):
                line, donor = draw.randrange(len(sides[0])), draw.randrange(len(sides[0]))
                for lines, file in zip(sides, (one, other), strict=True):
                    words, others = lines[line].split(" "), lines[donor].split(" ")
                    words[draw.randrange(len(words))] = others[draw.randrange(len(others))]
                    file.write(" ".join(words) + "\n")
    making.rename(folder)


def watched(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a command; its seconds, seconds of processors, and peaks of its and its workers' memory in MB."""
    before, began = os.times(), time.monotonic()
    process = subprocess.Popen(command, env=environment)
    peaks = {"memory_mb": 0.0, "anonymous_mb": 0.0}
    while process.poll() is None:
        sizes = [_sizes(pid) for pid in (process.pid, *_children(process.pid))]
        for number, name in enumerate(peaks):
            peaks[name] = max(peaks[name], sum(size[number] for size in sizes))
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": time.monotonic() - began, "cpu_seconds": cpu, **peaks}


def _sizes(pid: int) -> tuple[float, float]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0, 0.0
    found = {words[0]: int(words[1]) / 1000 for line in lines[1:] if (words := line.split())}
    return found.get("Pss:", 0.0), found.get("Pss_Anon:", 0.0)


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def prepare(recipe: Path) -> None:
    """What a process of its own does: learn the tokenizer, then prepare the training text; a line of JSON on stdout."""
    from seq2seq.data.cache import cache_folder, cached_tokenizers, tokenize_split
    from seq2seq.workflows.recipe import load_recipe

    loaded = load_recipe(recipe)
    began = time.monotonic()
    tokenizers = cached_tokenizers(loaded.tokenizer, loaded.data, cache_folder())
    learnt = time.monotonic()
    _, report = tokenize_split(loaded.data, loaded.data.train, tokenizers, cache_folder(), apply_filters=True)
    done = time.monotonic()
    numbers = {"learn": learnt - began, "prepare": done - learnt, "pairs": report.read}
    recipe.with_suffix(".json").write_text(json.dumps(numbers), encoding="utf-8")


def first_batch(recipe: Path) -> None:
    """What a process of its own does: open what was prepared and make a batch, first and in the middle of an epoch."""
    from seq2seq.data.batches import Batches
    from seq2seq.workflows.recipe import load_recipe
    from seq2seq.workflows.text import TrainingText

    loaded = load_recipe(recipe)
    began = time.monotonic()
    text = TrainingText.prepare(loaded)
    opened = time.monotonic()
    batches = Batches(text.train, text.order(4096, 1))
    next(batches.epoch(0))
    first = time.monotonic()
    pairs_a_batch = 4096 / (1 + text.train.source_lengths[:10_000].mean())
    next(batches.epoch(0, skip=int(len(text.train) / pairs_a_batch / 2)))
    numbers = {"open": opened - began, "first": first - opened, "middle": time.monotonic() - first}
    recipe.with_suffix(".json").write_text(json.dumps(numbers), encoding="utf-8")


def measure(arguments: argparse.Namespace, millions: float) -> dict[str, Any]:
    """One size, from making the text to the tenth update."""
    work = arguments.work / f"{millions:g}m"
    for old in ("cache", "run"):
        shutil.rmtree(work / old, ignore_errors=True)
    if not (work / "text").exists():  # else it was kept
        make(arguments.source, arguments.target, work / "text", int(millions * MILLION))
    recipe = work / "recipe.yaml"
    recipe.write_text(RECIPE.format(corpus=work / "text", kind=arguments.kind), encoding="utf-8")
    environment = {**os.environ, "SEQ2SEQ_CACHE": str(work / "cache")}
    result: dict[str, Any] = {"pairs": int(millions * MILLION), "load": os.getloadavg()[0]}
    for stage in ("prepare", "first_batch"):
        peaks = watched([sys.executable, __file__, "--stage", stage, "--recipe", str(recipe)], environment)
        numbers = json.loads(recipe.with_suffix(".json").read_text(encoding="utf-8"))
        result[stage] = {key: round(value, 1) for key, value in {**peaks, **numbers}.items()}
    result["pairs_per_second"] = round(result["pairs"] / result["prepare"]["prepare"])
    command = [sys.executable, "-m", "seq2seq", "train", str(recipe), "--out", str(work / "run"), "--device", "cpu"]
    result["train"] = {key: round(value, 1) for key, value in watched(command, environment).items()}
    if not arguments.keep:
        shutil.rmtree(work)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("target", type=Path, nargs="?")
    parser.add_argument("--pairs", type=float, nargs="+", default=[1.0, 5.0], help="millions")
    parser.add_argument("--kind", default="bpe", choices=["bpe", "unigram"])
    parser.add_argument("--work", type=Path, default=Path("/tmp/seq2seq-scale"), help="where the text is made")
    parser.add_argument("--keep", action="store_true", help="leave the text and the cache there")
    parser.add_argument("--stage", choices=["prepare", "first_batch"], help=argparse.SUPPRESS)
    parser.add_argument("--recipe", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        {"prepare": prepare, "first_batch": first_batch}[arguments.stage](arguments.recipe)
        return
    if arguments.source is None or arguments.target is None:
        parser.error("give a source and a target file to make the text of")
    for millions in arguments.pairs:
        sys.stdout.write(json.dumps(measure(arguments, millions)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
