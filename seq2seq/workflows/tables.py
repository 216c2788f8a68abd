"""Results as tables: the same rows as aligned text and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "


@dataclass(frozen=True)
class Table:
    """Rows of cells under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    left: frozenset[int] = frozenset({0})
    """The columns that hold words; numbers stand to the right."""

    def without_empty_columns(self) -> "Table":
        """The table without columns in which no row has anything."""
        full = [place for place in range(len(self.columns)) if any(row[place] for row in self.rows)]
        return Table(
            tuple(self.columns[place] for place in full),
            tuple(tuple(row[place] for place in full) for row in self.rows),
            self.title,
            frozenset(number for number, place in enumerate(full) if place in self.left),
        )

    def text(self) -> str:
        """Columns that line up, without lines around them."""
        every = (self.columns, *self.rows)
        widths = [max(len(row[place]) for row in every) for place in range(len(self.columns))]
        lines = [GAP.join(self._aligned(row, widths)).rstrip() for row in every]
        return "\n".join([self.title, *lines] if self.title else lines)

    def markdown(self) -> str:
        rules = [":--" if place in self.left else "--:" for place in range(len(self.columns))]
        lines = [_piped(row) for row in (self.columns, rules, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines] if self.title else lines)

    def _aligned(self, row: tuple[str, ...], widths: list[int]) -> list[str]:
        return [
            cell.ljust(width) if place in self.left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]


def _piped(row: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def seconds_as_text(seconds: float) -> str:
    """Such as 85 ms, 42 s, 3 min 20 s or 2 h 05 min."""
    whole = round(seconds)
    if seconds < 0.995:
        return f"{1000 * seconds:.0f} ms"
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
