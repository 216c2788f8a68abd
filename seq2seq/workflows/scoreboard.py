"""Evaluations as tables for people."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.workflows.compare import Comparison
from seq2seq.workflows.tables import Table, seconds_as_text

Row = dict[str, Any]


def evaluation_tables(rows: Sequence[Row]) -> list[Table]:
    """The scores of each run on each split, and where there are pronouns those by distance."""
    tables = [_scores(rows)]
    with_pronouns = [row for row in rows if row["pronouns"]]
    if with_pronouns:
        tables.append(_pronouns(with_pronouns))
    return tables


def comparison_tables(comparison: Comparison) -> list[Table]:
    """The runs on the first split with all that is known of them, then their scores on each other split."""
    first, *others = comparison.splits()
    return [_main(comparison, first), *(_split(comparison.of_split(split)) for split in others)]


def comparison_markdown(comparison: Comparison) -> str:
    """The report of a comparison."""
    tables = [table.markdown() for table in comparison_tables(comparison)]
    notes = [*signature_lines(comparison.rows), *comparison_notes(comparison)]
    return "\n\n".join(["# Comparison", *tables, "\n".join(f"- {note}" for note in notes)]) + "\n"


def comparison_notes(comparison: Comparison) -> list[str]:
    """What one has to know to read the tables."""
    first = comparison.rows[0]
    device = ", ".join(dict.fromkeys(f"{row['device']}, {row['precision']}" for row in comparison.rows))
    return [
        f"p: paired bootstrap on BLEU against {first['run']}, 1,000 resamples; 95 %: bootstrap interval of BLEU",
        f"sentences/s: translating with beam {first['beam_size']} ({device}); tokens/s: target tokens in training",
        *(f"Trained on: {machine}" for machine in comparison.machines),
    ]


def signature_lines(rows: Sequence[Row]) -> list[str]:
    """What was computed how: one line for each metric, or several where rows differ."""
    names = {"BLEU": "bleu", "BLEU lower-cased": "bleu_lowercased", "chrF": "chrf", "TER": "ter"}
    return [
        f"{name}: {signature}"
        for name, key in names.items()
        for signature in dict.fromkeys(row[f"{key}_signature"] for row in rows)
    ]


def interval(row: Row) -> str:
    """Between which BLEU lies with 95 %."""
    low, high = row["bleu_interval"]
    return f"{low:.1f}–{high:.1f}"


def pronoun_share(row: Row) -> str:
    return f"{100 * row['pronouns']['accuracy']:.1f} %" if row["pronouns"] else ""


def cut_warning(rows: Sequence[Row]) -> list[str]:
    """Lines that say which translations came to no end."""
    return [
        f"{row['run']}: {row['split']}: {row['cut_at_limit']} of {row['sentences']} translations were cut at the limit"
        " of the search (search.max_length_ratio, max_length_offset)"
        for row in rows
        if row["cut_at_limit"]
    ]


def _scores(rows: Sequence[Row]) -> Table:
    columns = ("run", "split", "sentences", "BLEU", "95 %", "lower-cased", "chrF", "TER", "pronouns", "sentences/s")
    cells = tuple(
        (
            row["run"],
            row["split"],
            f"{row['sentences']:,}",
            f"{row['bleu']:.2f}",
            interval(row),
            f"{row['bleu_lowercased']:.2f}",
            f"{row['chrf']:.2f}",
            f"{row['ter']:.2f}",
            pronoun_share(row),
            f"{row['sentences_per_second']:,.1f}",
        )
        for row in rows
    )
    return Table(columns, cells, left=frozenset({0, 1})).without_empty_columns()


def _pronouns(rows: Sequence[Row]) -> Table:
    bins = list(dict.fromkeys(name for row in rows for name in row["pronouns"]["by_distance"]))
    bins.sort(key=lambda name: int(name.split("-")[0]))
    columns = ("run", "split", "right", "none", *bins)
    cells = tuple((row["run"], row["split"], *_counts(row["pronouns"], bins)) for row in rows)
    title = "Right pronouns, and of all those by the words between noun and pronoun"
    return Table(columns, cells, title, left=frozenset({0, 1}))


def _counts(pronouns: Row, bins: Sequence[str]) -> tuple[str, ...]:
    by_distance = (pronouns["by_distance"].get(name) for name in bins)
    shares = (f"{100 * found[0] / found[1]:.0f} % of {found[1]}" if found else "" for found in by_distance)
    return (f"{pronouns['correct']} of {pronouns['total']}", str(pronouns["missing"]), *shares)


def _main(comparison: Comparison, split: str) -> Table:
    rows = comparison.of_split(split)
    names = _short_names(rows)
    pronouns = {row["run"]: pronoun_share(row) for row in reversed(comparison.rows) if row["pronouns"]}
    known = ("model", "parameters", "BLEU", "95 %", "chrF", "p", "pronouns", "tokens/s", "training", "sentences/s")
    cells = tuple(
        (
            names[row["run"]],
            row["model"],
            f"{row['parameters']:,}",
            f"{row['bleu']:.2f}",
            interval(row),
            f"{row['chrf']:.2f}",
            _p_value(row),
            pronouns.get(row["run"], ""),
            f"{row['target_tokens_per_second']:,.0f}",
            seconds_as_text(row["training_seconds"]),
            f"{row['sentences_per_second']:,.1f}",
        )
        for row in rows
    )
    return Table(("run", *known), cells, _title(rows), frozenset({0, 1})).without_empty_columns()


def _split(rows: Sequence[Row]) -> Table:
    names = _short_names(rows)
    columns = ("run", "BLEU", "95 %", "chrF", "TER", "p", "pronouns", "sentences/s")
    cells = tuple(
        (
            names[row["run"]],
            f"{row['bleu']:.2f}",
            interval(row),
            f"{row['chrf']:.2f}",
            f"{row['ter']:.2f}",
            _p_value(row),
            pronoun_share(row),
            f"{row['sentences_per_second']:,.1f}",
        )
        for row in rows
    )
    return Table(columns, cells, _title(rows)).without_empty_columns()


def _title(rows: Sequence[Row]) -> str:
    return f"{rows[0]['split']}: {rows[0]['sentences']:,} sentences"


def _short_names(rows: Sequence[Row]) -> dict[str, str]:
    """The last part of each run's path, or the whole where two would be alike."""
    short = {row["run"]: Path(row["run"]).name for row in rows}
    return short if len(set(short.values())) == len(short) else {run: run for run in short}


def _p_value(row: Row) -> str:
    if row["p_value"] is None:
        return ""
    return f"{row['p_value']:.3f}"
