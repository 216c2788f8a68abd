"""One report of several runs: scores, whether they differ by more than luck, sizes and speeds.

The first run is the one that the others are compared with: p is that of the paired bootstrap on BLEU.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seq2seq.errors import CheckpointError, ConfigError, DataError
from seq2seq.evaluation.significance import paired_bootstrap
from seq2seq.files import RunFolder, write_text
from seq2seq.loading import find_run
from seq2seq.workflows.evaluate import EvaluateOptions, Evaluation, Row, Shown, evaluate
from seq2seq.workflows.recipe import load_recipe


@dataclass(frozen=True)
class Comparison:
    """Rows of runs: those of the first split, then those of the next."""

    rows: tuple[Row, ...]
    machines: tuple[str, ...]
    """What the runs were trained on."""

    def splits(self) -> list[str]:
        return list(dict.fromkeys(row["split"] for row in self.rows))

    def of_split(self, split: str) -> list[Row]:
        """A row for each run, in their order."""
        return [row for row in self.rows if row["split"] == split]


def compare(options: EvaluateOptions, shown: Shown | None = None) -> Comparison:
    """Compare finished runs on the same test sets, by default those of the first one's recipe.

    Raises ConfigError when a run is given twice, CheckpointError when one is not finished, DataError when
    they do not share a test set.
    """
    if repeated := [run for run, count in Counter(run.resolve() for run in options.runs).items() if count > 1]:
        raise ConfigError(f"{repeated[0]}: given {len(repeated) + 1} times; give each run once")
    trained = {str(run): _trained(find_run(run)) for run in options.runs}
    splits = options.splits or load_recipe(find_run(options.runs[0]).recipe).data.tests
    evaluations = evaluate(replace(options, splits=tuple(splits)), shown)
    by_split = [[each for each in evaluations if each.test.name == split] for split in splits]
    rows = tuple({**row, **trained[row["run"]]} for of_split in by_split for row in _with_p_values(of_split))
    machines = (machine(find_run(run)) for run in options.runs)
    return Comparison(rows, tuple(dict.fromkeys(filter(None, machines))))


def write_report(report: Path, comparison: Comparison, markdown: str) -> tuple[Path, Path]:
    """Write REPORT.json and REPORT.md, or compare.json and .md where `report` is a folder, and return their paths."""
    stem = report / "compare" if report.is_dir() else report
    if stem.suffix in (".json", ".md"):
        stem = stem.with_suffix("")
    data, text = stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.md")
    record = {"runs": comparison.rows, "machines": comparison.machines}
    write_text(data, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    write_text(text, markdown)
    return data, text


def _with_p_values(evaluations: Sequence[Evaluation]) -> list[Row]:
    """The rows of one split, each with how likely its difference from the first is luck; the first has none."""
    first, *others = evaluations
    for other in others:
        if other.test.digest != first.test.digest:
            raise DataError(
                f"{other.row['run']}: its {first.test.name!r} is another text than that of {first.row['run']};"
                " compare runs of one corpus, or name a split that they share with --split"
            )
    hypotheses = {other.row["run"]: other.hypotheses for other in others}
    p_values = paired_bootstrap(first.hypotheses, hypotheses, first.test.references) if others else {}
    return [{**each.row, "p_value": p_values.get(each.row["run"])} for each in evaluations]


def _trained(folder: RunFolder) -> Row:
    """What is reported of a finished training."""
    model = load_recipe(folder.recipe).model.model_dump(mode="json")
    summary = _read(folder.summary)
    if not summary:
        raise CheckpointError(
            f"{folder.root}: its training is unfinished; go on with 'seq2seq train {folder.recipe} --out {folder.root}'"
        )
    try:
        return {
            "kind": model["kind"],
            "model": model_name(model),
            "parameters": summary["parameters"],
            "updates": summary["updates"],
            "training_seconds": summary["seconds"],
            "target_tokens_per_second": summary["target_tokens_per_second"],
            "training_precision": summary["precision"],
            "training_device": summary["device"],
        }
    except KeyError as error:
        raise CheckpointError(f"{folder.summary}: says nothing of {error}; copy the run folder again") from None


def model_name(model: Row) -> str:
    """A few words for a model's settings, such as "lstm 2+2x512, general attention"."""
    width = model.get("model_dim") or model.get("hidden_dim")
    size = f" {model['encoder_layers']}+{model['decoder_layers']}x{width}" if width else ""
    attention = model.get("attention")
    looks = f", {'no' if attention == 'none' else attention} attention" if attention else ""
    feeds = ", input feeding" if model.get("input_feeding") else ""
    return f"{model.get('cell', model['kind'])}{size}{looks}{feeds}"


def machine(folder: RunFolder) -> str:
    """What a run was trained on, in a line; empty where it does not say."""
    found = _read(folder.environment)
    cores = f"{found['cores']} cores" if "cores" in found else None
    threads = f"{found['threads']} threads" if "threads" in found else None
    torch = f"torch {found['torch']}" if "torch" in found else None
    gpu = found.get("device") if found.get("device") != "cpu" else None
    return ", ".join(filter(None, (gpu, found.get("processor"), cores, threads, torch)))


def _read(path: Path) -> Row:
    try:
        found: Row = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); copy the run folder again") from None
    return found
