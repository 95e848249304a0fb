"""Who wins a blind test: a line for each contender, and what can be said of every two."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from studio.core import standing
from studio.core.blind import BlindTest
from studio.core.units import counted, percent
from studio.ui.elided import Elided
from studio.ui.parts import column, holder, label, selectable
from studio.ui.rate_bar import RateBar
from studio.ui.theme import GRID, Theme

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class StandingView(QWidget):
    """How the contenders of a test stand now."""

    def __init__(self, theme: Theme, test: BlindTest) -> None:
        """Shows `test` as it is."""
        super().__init__()
        self._names = [name or self.tr("Base model") for name in test.about.contenders]
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        heads = ("", self.tr("Wins"), "", self.tr("Won"), self.tr("Lost"), self.tr("Tied"))
        for at, head in enumerate(heads):
            made = label(head, "caption")
            made.setAlignment(_RIGHT if at > 2 else Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(made, 0, at)
        for line, item in enumerate(standing.standings(test), start=1):
            grid.addWidget(Elided(self._names[item.contender], "heading"), line, 0)
            votes = item.won + item.lost + item.tied
            rate = label(percent(item.rate) if votes else "\u2013", "heading")
            rate.setAlignment(_RIGHT)
            grid.addWidget(rate, line, 1)
            if votes:
                grid.addWidget(RateBar(theme, item.rate, item.low, item.high), line, 2)
            for at, count in enumerate((item.won, item.lost, item.tied), start=3):
                figure = label(f"{count:,}")
                figure.setAlignment(_RIGHT)
                grid.addWidget(figure, line, at)
        grid.setColumnStretch(0, 1)
        grid.setColumnMinimumWidth(0, 14 * GRID)
        grid.setColumnStretch(2, 2)
        said = [self._said(match) for match in standing.matches(test) if match.won + match.lost]
        if same := sum(map(test.same, test.pairs())):
            one = self.tr("{count} pair is not judged: both answers are the same.")
            said.append(counted(same, one, self.tr("{count} pairs are not judged: both answers are the same.")))
        # One text: of several that break their lines Qt makes more room than they take.
        self.told = selectable(label("\n\n".join(said), wrap=True))
        legend = self.tr("A bar shows where the share of wins lies with 95 %; a tie is half a win.")
        self.setLayout(column(holder(grid), self.told, label(legend, "caption", wrap=True), None, spacing=2 * GRID))

    def _said(self, match: standing.Match) -> str:
        """Says what can be said of two contenders."""
        if match.decided:
            said = self.tr("{one} is better than {other}: {won} to {lost}. By chance alone: {chance}.")
        else:
            said = self.tr("{one} and {other}: {won} to {lost}, which may be chance ({chance}).")
        return said.format(
            one=self._names[match.one],
            other=self._names[match.other],
            won=f"{match.won:,}",
            lost=f"{match.lost:,}",
            chance=percent(match.chance),
        )
