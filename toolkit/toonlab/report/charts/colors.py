"""Colours of charts, as stand-ins for the page's variables, which follow its light or dark scheme."""

# black would not do, as matplotlib writes nothing for it
INK, SOFT, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
BETTER, WORSE, OPEN, ACCENT = "#050505", "#060606", "#070707", "#080808"
SERIES = tuple(f"#0a0a0{number}" for number in range(7))
VARIABLES = {
    **{INK: "ink", SOFT: "soft", RULE: "rule", PAPER: "paper", BETTER: "better", WORSE: "worse"},
    **{OPEN: "open", ACCENT: "accent", **{color: f"series-{number}" for number, color in enumerate(SERIES)}},
}
MARKERS, DASHES = "osD^vPX", ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
VERDICT_COLORS = {"better": BETTER, "worse": WORSE, "inconclusive": OPEN, "untested": OPEN, "baseline": SOFT}
