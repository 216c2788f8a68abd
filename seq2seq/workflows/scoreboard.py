"""Evaluations as tables for people."""

from collections.abc import Sequence
from typing import Any

from seq2seq.workflows.tables import Table

Row = dict[str, Any]


def evaluation_tables(rows: Sequence[Row]) -> list[Table]:
    """The scores of each run on each split, and where there are pronouns those by distance."""
    tables = [_scores(rows)]
    with_pronouns = [row for row in rows if row["pronouns"]]
    if with_pronouns:
        tables.append(_pronouns(with_pronouns))
    return tables


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
