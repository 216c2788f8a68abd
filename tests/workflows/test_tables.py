"""Tables as text and as Markdown hold the same cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.workflows.tables import Table, seconds_as_text

cells = st.text(st.characters(categories=("L", "N")), max_size=8)
columns_and_rows = st.integers(1, 5).flatmap(
    lambda width: st.tuples(
        st.tuples(*[cells.filter(bool)] * width), st.lists(st.tuples(*[cells] * width), max_size=4).map(tuple)
    )
)


@given(columns_and_rows)
def test_text_lines_up_with_the_first_column_left_and_the_others_right(parts):
    table = Table(*parts)
    every = (table.columns, *table.rows)
    widths = [max(len(row[place]) for row in every) for place in range(len(table.columns))]
    for line, row in zip(table.text().split("\n"), every, strict=True):
        start = 0
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            shown = line[start : start + width].ljust(width)
            assert shown == (cell.ljust(width) if place == 0 else cell.rjust(width))
            start += width + 2


@given(columns_and_rows)
def test_markdown_has_the_cells_of_the_table(parts):
    table = Table(*parts)
    header, rules, *rows = table.markdown().split("\n")
    assert [header, *rows] == [f"| {' | '.join(row)} |" for row in (table.columns, *table.rows)]
    assert rules.count("|") == header.count("|")


def test_bars_in_cells_do_not_end_them():
    assert Table(("run",), (("a|b",),)).markdown().splitlines()[-1] == r"| a\|b |"


@given(columns_and_rows)
def test_only_empty_columns_are_left_out(parts):
    table = Table(*parts)
    found = table.without_empty_columns()
    full = [place for place in range(len(table.columns)) if any(row[place] for row in table.rows)]
    assert found.columns == tuple(table.columns[place] for place in full)
    assert found.rows == tuple(tuple(row[place] for place in full) for row in table.rows)
    assert {found.columns[place] for place in found.left} <= {table.columns[0]}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "40 ms"),
        (9.94, "9.9 s"),
        (42.0, "42 s"),
        (59.7, "1 min 00 s"),
        (200.0, "3 min 20 s"),
        (7500.0, "2 h 05 min"),
    ],
)
def test_times_are_told_as_people_do(seconds, text):
    assert seconds_as_text(seconds) == text
