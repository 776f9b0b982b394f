"""Draw the map of the core's packages from their imports: `python docs/make_map.py`.

Writes docs/pictures/packages.svg. A box is a package, with the first sentence of its docstring. It stands above the
packages that it imports. Arrows point to these; an import that a longer path of arrows implies is left out. Imports for
type checking only don't count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from pathlib import Path
from textwrap import wrap

import grimp

ROOT = Path(__file__).parents[1]
CORE = ROOT / "toolkit" / "toonlab"
OUT = ROOT / "docs" / "pictures" / "packages.svg"
SUBPACKAGES = ("studies.results", "studies.executors", "studies.plan")  # the rooms of `studies`
WIDTH, HEIGHT, GAP, RISE, MARGIN = 172, 84, 16, 44, 16  # px: of a box, between boxes, between floors, around

Imports = Mapping[str, frozenset[str]]


def imports() -> Imports:
    """Package -> the packages that it imports."""
    graph = grimp.build_graph("toonlab", exclude_type_checking_imports=True)
    found: dict[str, set[str]] = {}
    for module in graph.modules - {"toonlab", "toonlab.__main__"}:
        imported = {package_of(other) for other in graph.find_modules_directly_imported_by(module)}
        found.setdefault(package_of(module), set()).update(imported - {"toonlab", package_of(module)})
    return {package: frozenset(others) for package, others in sorted(found.items())}


def package_of(module: str) -> str:
    """`toonlab.studies.plan.design` -> `studies.plan`; `toonlab` itself holds the public names."""
    name = module.removeprefix("toonlab").removeprefix(".")
    inner = next((sub for sub in SUBPACKAGES if name == sub or name.startswith(f"{sub}.")), None)
    return inner or name.partition(".")[0] or "toonlab"


def floors(imported: Imports) -> dict[str, int]:
    """Each package's floor: one above the highest that it imports.

    Raises:
        ValueError: if packages import each other in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(imported):
        ready = [name for name in imported if name not in found and imported[name] <= found.keys()]
        if not ready:
            raise ValueError(f"a circle of imports among {', '.join(sorted(imported.keys() - found.keys()))}")
        found |= {name: 1 + max((found[other] for other in imported[name]), default=-1) for name in ready}
    return found


def arrows(imported: Imports) -> Iterator[tuple[str, str]]:
    """The imports that no longer path implies."""
    reached: dict[str, set[str]] = {}
    for name in sorted(imported, key=floors(imported).__getitem__):
        reached[name] = set(imported[name]).union(*(reached[other] for other in imported[name]))
    for name, others in imported.items():
        implied = set().union(*(reached[other] for other in others))
        yield from ((name, other) for other in sorted(others - implied))


def sentence(package: str) -> str:
    """The first sentence of a package's docstring."""
    place = CORE / package.replace(".", "/")
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    text = " ".join((ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").split())
    return text.partition(". ")[0].rstrip(".")


def places(imported: Imports) -> dict[str, tuple[float, float]]:
    """The left top corner of each package's box; floors are centred, the ground is at the bottom."""
    floor = floors(imported)
    ordered = sorted(imported, key=lambda name: (-floor[name], name))
    rows = [list(row) for _, row in groupby(ordered, key=floor.__getitem__)]
    widest = max(map(len, rows)) * (WIDTH + GAP) - GAP
    found = {}
    for level, row in enumerate(rows):
        left = MARGIN + (widest - (len(row) * (WIDTH + GAP) - GAP)) / 2
        found |= {name: (left + i * (WIDTH + GAP), MARGIN + level * (HEIGHT + RISE)) for i, name in enumerate(row)}
    return found


def box(package: str, left: float, top: float) -> Iterator[str]:
    yield f'<rect class="box" x="{left:g}" y="{top:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    yield f'<text class="name" x="{left + 10:g}" y="{top + 20:g}">{escape(package)}</text>'
    for row, text in enumerate(wrap(sentence(package), 30, max_lines=4, placeholder=" …")):
        yield f'<text class="said" x="{left + 10:g}" y="{top + 36 + 13 * row:g}">{escape(text)}</text>'


def arrow(upper: tuple[float, float], lower: tuple[float, float]) -> str:
    x, y, to_x, to_y = upper[0] + WIDTH / 2, upper[1] + HEIGHT, lower[0] + WIDTH / 2, lower[1] - 3
    middle = (y + to_y) / 2
    return f'<path class="arrow" d="M{x:g} {y:g} C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"/>'


STYLE = """
.paper { fill: #fff } .box { fill: #f4f6fb; stroke: #3d4f7c }
.arrow { fill: none; stroke: #8793b3; marker-end: url(#tip) }
text { font: 11px sans-serif; fill: #3a3f4b } .name { font-size: 13px; font-weight: bold; fill: #1d2a4d }
"""


def drawn(imported: Imports) -> str:
    """The map as SVG."""
    where = places(imported)
    width = max(left for left, _ in where.values()) + WIDTH + MARGIN
    height = max(top for _, top in where.values()) + HEIGHT + MARGIN
    parts = [arrow(where[name], where[other]) for name, other in arrows(imported)]
    parts += [piece for name, (left, top) in where.items() for piece in box(name, left, top)]
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    tip += '<path d="M0 0 8 4 0 8z" fill="#8793b3"/></marker>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
    title = "<title>The packages of toonlab's core and their imports</title>"
    paper = f'<rect class="paper" width="{width:g}" height="{height:g}"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", f"<defs>{tip}</defs>", paper, *parts, "</svg>\n"])


if __name__ == "__main__":
    OUT.write_text(drawn(imports()), encoding="utf-8")
