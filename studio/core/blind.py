"""A blind test: answers of a base and of adapters to the same prompts, judged two by two, not knowing whose they are.

A test is a folder: `test.json` is written once, `answers.jsonl` and `votes.jsonl` only grow. Of two answers to a prompt
the first counts, for it may have been judged; of two votes on a pair the last. Whatever kills the program, what was
answered and judged is there.
"""

import json
import random
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from studio import paths
from studio.core import files, journal
from studio.core.desk import Answer, Column, Message, Sampling
from studio.core.errors import StudioError
from studio.core.files import disk_error, write_atomic
from studio.core.runs import slug

TIE = -1
MOST_CONTENDERS, MOST_PROMPTS = 8, 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to be judged: the contenders `left` and `right`, by number, on a prompt, by number."""

    prompt: int
    left: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a test is of.

    Attributes:
        title: its name.
        model: the base; empty: that of the first adapter.
        contenders: adapters by their names in the library; None: the base.
        prompts: conversations, each ending with the user's turn.
        sampling: how the answers are made.
        seed: of the order in which pairs are judged, and of their sides; None: one is drawn when the test is made.
        force: even if the base is not the one an adapter was trained on.
        created_s: when it was made.
    """

    title: str
    model: str
    contenders: list[str | None]
    prompts: list[list[Message]]
    sampling: Sampling = field(default_factory=Sampling)
    seed: int | None = None
    force: bool = False
    created_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Answered:
    """A line of `answers.jsonl`."""

    prompt: int
    answers: list[str]
    cut: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Voted:
    """A line of `votes.jsonl`."""

    prompt: int
    left: int
    right: int
    winner: int | None
    time_s: float = 0.0


_ABOUT = TypeAdapter(About)
_ANSWERED, _VOTED = TypeAdapter(_Answered), TypeAdapter(_Voted)


@dataclass(slots=True)
class BlindTest:
    """A test as it stands; for one process at a time, that of whoever judges.

    Attributes:
        path: its folder.
        about: what it is of.
        answers: of each answered prompt one a contender.
        cut: of each answered prompt the contenders whose answers were broken off at the longest that was allowed.
        votes: of each judged pair who won, a contender or `TIE`.
    """

    path: Path
    about: About
    answers: dict[int, list[str]] = field(default_factory=dict)
    cut: dict[int, list[int]] = field(default_factory=dict)
    votes: dict[Pair, int] = field(default_factory=dict)
    _pairs: list[Pair] = field(default_factory=list, repr=False, compare=False)

    def pairs(self) -> list[Pair]:
        """Returns all pairs in the order they are judged in, which is the same each time."""
        if not self._pairs:
            self._pairs = self._drawn()
        return self._pairs

    def _drawn(self) -> list[Pair]:
        drawn = random.Random(self.about.seed)
        found = []
        for prompt in range(len(self.about.prompts)):
            for one, other in combinations(range(len(self.about.contenders)), 2):
                left, right = drawn.sample((one, other), 2)
                found.append(Pair(prompt, left, right))
        drawn.shuffle(found)
        return found

    def missing(self) -> list[int]:
        """Returns the prompts that are not answered yet, in the order in which they are judged."""
        return list(dict.fromkeys(pair.prompt for pair in self.pairs() if pair.prompt not in self.answers))

    def same(self, pair: Pair) -> bool:
        """Whether both answers of a pair are there and alike: then there is nothing to judge."""
        found = self.answers.get(pair.prompt)
        return found is not None and found[pair.left].strip() == found[pair.right].strip()

    def open_pairs(self) -> list[Pair]:
        """Returns the pairs that can be judged now, the next first."""
        fit = (pair for pair in self.pairs() if pair.prompt in self.answers and pair not in self.votes)
        return [pair for pair in fit if not self.same(pair)]

    def request(self, prompt: int) -> Answer:
        """Returns how to have a prompt answered."""
        about = self.about
        return Answer(
            model=about.model,
            adapters=about.contenders,
            messages=about.prompts[prompt],
            sampling=about.sampling,
            force=about.force,
        )

    def answer(self, prompt: int, answers: Sequence[Column]) -> None:
        """Notes the answers to a prompt, one a contender.

        Raises:
            StudioError: (disk) they cannot be written.
        """
        texts, cut = [item.text for item in answers], [at for at, item in enumerate(answers) if item.cut]
        journal.append(self.path / "answers.jsonl", _Answered(prompt, texts, cut))
        self.read_answers()

    def read_answers(self) -> None:
        """Takes over what the file has: another process may have answered too."""
        for found in journal.read(self.path / "answers.jsonl", _ANSWERED):
            known = 0 <= found.prompt < len(self.about.prompts) and found.prompt not in self.answers
            if known and len(found.answers) == len(self.about.contenders):
                self.answers[found.prompt], self.cut[found.prompt] = found.answers, found.cut

    def vote(self, pair: Pair, winner: int | None) -> None:
        """Notes who won a pair: one of its contenders, or `TIE`; None takes the vote back.

        Raises:
            StudioError: (disk) it cannot be written.
        """
        journal.append(self.path / "votes.jsonl", _Voted(pair.prompt, pair.left, pair.right, winner, time.time()))
        self.votes.pop(pair, None)
        if winner is not None:
            self.votes[pair] = winner

    def preferences(self) -> list[dict[str, Any]]:
        """Returns the votes as rows of two answers to one prompt, to learn from.

        Ties are none; nor are empty answers, and better ones that were broken off: their end would be learned too.
        """
        rows = []
        for pair, winner in self.votes.items():
            if winner == TIE or winner in self.cut[pair.prompt]:
                continue
            told = self.answers[pair.prompt]
            better, worse = told[winner], told[pair.left + pair.right - winner]
            if better.strip() and worse.strip():
                answers = ([{"role": "assistant", "content": text}] for text in (better, worse))
                prompt = [asdict(message) for message in self.about.prompts[pair.prompt]]
                rows.append({"prompt": prompt} | dict(zip(("chosen", "rejected"), answers, strict=True)))
        return rows


def create(about: About) -> BlindTest:
    """Makes a test in the program's own place.

    Raises:
        StudioError: (usage) there are too few or too many to judge; (disk) it cannot be written.
    """
    count, prompts = len(about.contenders), len(about.prompts)
    if count < 2 or len(set(about.contenders)) < count:
        raise StudioError("usage", "A blind test takes two or more that differ.", "Choose another adapter.")
    if count > MOST_CONTENDERS:
        raise StudioError("usage", f"A blind test takes at most {MOST_CONTENDERS} at once.", "Choose fewer.")
    if not 0 < prompts <= MOST_PROMPTS:
        raise StudioError("usage", f"A blind test takes 1 to {MOST_PROMPTS:,} prompts.", f"There are {prompts:,}.")
    if about.seed is None:
        about = replace(about, seed=secrets.randbelow(2**31))
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{slug(about.title)}-{secrets.token_hex(2)}"
    folder = _place() / name
    try:
        folder.mkdir(parents=True)
        write_atomic(folder / "test.json", _ABOUT.dump_json(about, indent=1))
    except OSError as error:
        raise disk_error(folder, error) from None
    return BlindTest(folder, about)


def about_of(path: Path) -> About:
    """Returns what a test is of, without its answers.

    Raises:
        StudioError: (run) it is gone or damaged.
    """
    try:
        return _ABOUT.validate_json((path / "test.json").read_bytes())
    except (OSError, ValidationError):
        hint = "`studio blind list` shows those that are there."
        raise StudioError("run", f"There is no readable blind test {path.name}.", hint) from None


def load(path: Path) -> BlindTest:
    """Opens a test.

    Raises:
        StudioError: (run) it is gone or damaged.
    """
    about = about_of(path)
    made = BlindTest(path, about)
    made.read_answers()
    pairs = set(made.pairs())
    for voted in journal.read(path / "votes.jsonl", _VOTED):
        pair = Pair(voted.prompt, voted.left, voted.right)
        if pair in pairs and pair.prompt in made.answers:
            made.votes.pop(pair, None)
            if voted.winner in (pair.left, pair.right, TIE):
                made.votes[pair] = voted.winner
    return made


def listing() -> list[Path]:
    """Returns the folders of `abouts`; raises as it does."""
    return list(abouts())


def abouts() -> dict[Path, About]:
    """Returns the tests' folders and what each is of, newest first; those that cannot be read are left out.

    Raises:
        StudioError: (disk) their place cannot be read.
    """
    found = {}
    for folder in sorted(files.inside(_place()), reverse=True):
        if (folder / "test.json").is_file():
            with suppress(StudioError):
                found[folder] = about_of(folder)
    return found


def find(name: str) -> BlindTest:
    """Finds a test by its name or a part of it that only one has.

    Raises:
        StudioError: (run) none is called so, or several are.
    """
    folders = listing() if name else []
    named = [folder for folder in folders if name in folder.name]
    named = named or [folder for folder in folders if any(map(str.isalnum, name)) and slug(name) in folder.name]
    exact = [folder for folder in named if folder.name == name]
    if len(found := exact or named) == 1:
        return load(found[0])
    hint = "`studio blind list` shows them."
    if found:
        raise StudioError("run", f"`{name}` could mean {len(found)} blind tests.", f"Write more of the name; {hint}")
    raise StudioError("run", f"There is no blind test `{name}`.", hint)


def remove(test: BlindTest) -> Path:
    """Moves a test to the trash; returns where it lies now.

    Raises:
        StudioError: (disk) it cannot be moved.
    """
    target = paths.trash_dir() / f"{test.path.name}-{secrets.token_hex(4)}"
    _move(test.path, target)
    return target


def restore(trashed: Path) -> BlindTest:
    """Brings back the test that `remove` moved to `trashed`.

    Raises:
        StudioError: (disk) it cannot be moved.
    """
    target = _place() / trashed.name.rpartition("-")[0]
    _move(trashed, target)
    return load(target)


def find_removed(name: str) -> Path:
    """Finds a test in the trash by its name, the one removed last.

    Raises:
        StudioError: (run) none was removed that is called so.
    """
    held = [folder for folder in files.inside(paths.trash_dir()) if (folder / "test.json").is_file()]
    found = [folder for folder in held if folder.name.rpartition("-")[0] == name]
    if not found:
        raise StudioError("run", f"No blind test `{name}` was removed.", "Write its whole name.")
    return max(found, key=lambda folder: folder.stat().st_ctime)


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        files.move(source, target)
    except OSError as error:
        raise disk_error(source, error) from None


def write_preferences(test: BlindTest, out: Path) -> int:
    """Writes the votes as a data file of `preference` rows, and returns how many there are.

    Raises:
        StudioError: (usage) there are none, or `out` is there already; (disk) it cannot be written.
    """
    rows = test.preferences()
    if not rows:
        hint = "Judge some pairs first; answers that were broken off do not count."
        raise StudioError("usage", "No whole answer was judged better than another yet.", hint)
    files.write_new(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return len(rows)


def _place() -> Path:
    return paths.home() / "blind"
