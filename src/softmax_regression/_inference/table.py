"""One kind of table: aligned text, HTML for notebooks, and the numbers as columns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._display import escaped

WIDTH = 88
MOST_ROWS = 60
FIRST_ROWS = 20
GAP = 2
# A name is not cut to less.
LEAST_NAME = 12
# In HTML, whose lines have no known width.
LONGEST_NAME = 60


class Shown(NamedTuple):
    """A printed column: its title, what writes a cell, from which columns, and its least width.

    Cells end at the right, or begin at the `left`.
    """

    title: str
    text: Callable[..., str]
    columns: tuple[str, ...]
    width: int = 0
    left: bool = False


class Fact(NamedTuple):
    """A line above the table: what, and how much."""

    name: str
    value: str


class Table:
    """Numbers with names: prints, shows in notebooks, and hands out its columns.

    Attributes
    ----------
    columns : dict of str to ndarray
        Equal arrays by name, which ``pandas.DataFrame`` and ``polars.DataFrame`` take as they are.
    """

    def __init__(
        self,
        columns: Mapping[str, NDArray[Any]],
        shown: Sequence[Shown],
        *,
        label: str,
        groups: tuple[str, ...] = (),
        corner: str = "",
        title: tuple[str, str] = ("", ""),
        facts: Sequence[Fact] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.columns: dict[str, NDArray[Any]] = dict(columns)
        self._shown, self._label, self._groups = tuple(shown), label, groups
        self._corner, self._title = corner, title
        self._facts, self._notes = tuple(facts), tuple(notes)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[self._label])

    def __repr__(self) -> str:
        """Return the table as text."""
        return str(self)

    def __str__(self) -> str:
        """Return aligned text of at most 88 columns, as far as numbers leave room for names."""
        return "\n".join(line.rstrip() for line in self._lines())

    def _repr_html_(self) -> str:
        """Return what notebooks show: no styles, scripts or ids; names are escaped."""
        title = ", ".join(filter(None, self._title))
        parts = [f"<p>{escaped(title)}</p>"] if title else []
        if self._facts:
            parts.append(f"<table>{''.join(map(_html_facts, _halves(self._facts)))}</table>")
        titles = "".join(
            f'<th scope="col" align="right">{_unbroken(each.title)}</th>' for each in self._shown
        )
        corner = f'<th scope="col">{_left(_unbroken(self._corner))}</th>'
        parts.append(
            f"<table><thead><tr>{corner}{titles}</tr></thead><tbody>{self._html_rows()}</tbody></table>"
        )
        parts += [f"<p>{escaped(note)}</p>" for note in self._every_note()]
        return f"<div>{''.join(parts)}</div>"

    def _html_rows(self) -> str:
        rows = []
        indent = "&#8195;" if self._groups else ""
        for group, cells in self._rows():
            if group is not None:
                span = f'<th scope="rowgroup" colspan="{1 + len(self._shown)}">'
                rows.append(f"<tr>{span}{_left(escaped(group))}</th></tr>")
            name, *values = cells
            texts = "".join(
                f'<td align="right">{_left(value) if each.left else value}</td>'
                for each, value in zip(self._shown, map(_unbroken, values), strict=True)
            )
            label = _left(indent + escaped(shortened(name, LONGEST_NAME)))
            rows.append(f'<tr><th scope="row">{label}</th>{texts}</tr>')
        return "".join(rows)

    def _rows(self) -> Iterator[tuple[str | None, list[str]]]:
        """Yield the printed rows, each with its group where that is a new one."""
        last = ""
        for i in range(self._printed()):
            group = self._group(i)
            cells = [
                each.text(*(self.columns[key][i] for key in each.columns)) for each in self._shown
            ]
            yield (group if group != last else None), [str(self.columns[self._label][i]), *cells]
            last = group

    def _group(self, i: int) -> str:
        """Return what a row stands under."""
        return " : ".join(str(self.columns[key][i]) for key in self._groups)

    def _printed(self) -> int:
        return len(self) if len(self) <= MOST_ROWS else FIRST_ROWS

    def _every_note(self) -> list[str]:
        rest = len(self) - self._printed()
        more = [f"{rest:,} more rows: .columns has them all."] if rest else []
        return [*more, *self._notes]

    def _lines(self) -> Iterator[str]:
        rows = list(self._rows())
        indent = "  " if self._groups else ""
        texts = [cells[1:] for _, cells in rows]
        longest = max([len(self._corner), *(len(indent + cells[0]) for _, cells in rows)])
        needed = [
            max([len(each.title), *(len(cells[i]) for cells in texts)])
            for i, each in enumerate(self._shown)
        ]
        widths = [max(each.width, least) for each, least in zip(self._shown, needed, strict=True)]
        if longest + sum(widths) + GAP * len(widths) > WIDTH:
            widths = needed
        label = min(longest, max(WIDTH - sum(widths) - GAP * len(widths), LEAST_NAME))
        width = label + sum(widths) + GAP * len(widths)
        yield from self._heading(width)
        titles = [each.title for each in self._shown]
        if any(titles) or self._corner:
            yield _aligned(self._corner, titles, label, widths)
            yield "-" * width
        for group, cells in rows:
            if group:
                yield shortened(group, width)
            yield _aligned(shortened(indent + cells[0], label), cells[1:], label, widths)
        yield from (line for note in self._every_note() for line in _wrapped(note))

    def _heading(self, width: int) -> Iterator[str]:
        left, right = self._title
        if left:
            width = min(max(width, len(left) + GAP + len(right)), WIDTH)
            fits = len(left) + GAP + len(right) <= width
            yield left + right.rjust(width - len(left)) if fits else left
            if not fits:
                yield right.rjust(width)
            yield ""
        if self._facts:
            yield from _two_columns(self._facts, width)
            yield ""


def number(value: float) -> str:
    """Return four significant digits."""
    return f"{value:.4g}"


def two_decimals(value: float) -> str:
    """Return two decimals, as z is read."""
    return f"{value:.2f}"


def probability(value: float) -> str:
    """Return a p-value to four decimals."""
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"


def interval(lower: float, upper: float) -> str:
    """Return an interval to four significant digits."""
    return f"[{lower:.4g}, {upper:.4g}]"


def ratio(value: float) -> str:
    """Return four significant digits, nothing where there is no ratio."""
    return "" if np.isnan(value) else number(value)


def small_probability(value: float) -> str:
    """Return ``= p`` to two significant digits, down to where float64 ends."""
    return "< 1e-300" if value < 1e-300 else f"= {value:.2g}"


def shortened(name: str, width: int) -> str:
    """Return a name with its middle cut out where it is longer than `width`."""
    printable = "".join(c if c.isprintable() else "?" for c in name)
    if len(printable) <= width:
        return printable
    tail = (width - 1) // 2
    return f"{printable[: width - 1 - tail]}…{printable[len(printable) - tail :]}"


def _aligned(label: str, cells: Sequence[str], width: int, widths: Sequence[int]) -> str:
    gap = " " * GAP
    return label.ljust(width) + "".join(
        gap + cell.rjust(each) for cell, each in zip(cells, widths, strict=True)
    )


def _halves(facts: Sequence[Fact]) -> Iterator[Sequence[Fact]]:
    """Yield facts in lines of two, the first half of them on the left."""
    half = (len(facts) + 1) // 2
    yield from (facts[i::half] for i in range(half))


def _two_columns(facts: Sequence[Fact], width: int) -> Iterator[str]:
    lines = list(_halves(facts))
    left = max(30, *(len(name) + GAP + len(value) for (name, value), *_ in lines))
    others = [len(name) + GAP + len(value) for _, *rest in lines for name, value in rest]
    right = max([width - left - 4, *others])
    for line in lines:
        yield "    ".join(
            _spread(fact, size) for fact, size in zip(line, (left, right), strict=False)
        )


def _html_facts(line: Sequence[Fact]) -> str:
    cells = "".join(
        f'<th scope="row">{_left(escaped(name))}</th><td align="right">{_unbroken(value)}</td>'
        for name, value in line
    )
    return f"<tr>{cells}</tr>"


def _unbroken(text: str) -> str:
    """Return escaped text in one line."""
    return escaped(text.rstrip()).replace(" ", "&#160;")


def _left(html: str) -> str:
    """Return a cell's content that begins at the left, whatever the notebook does with cells."""
    return f'<div align="left">{html}</div>'


def _spread(fact: Fact, width: int) -> str:
    return fact.name + fact.value.rjust(width - len(fact.name))


def _wrapped(text: str) -> Iterator[str]:
    """Break a note into lines at spaces."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
