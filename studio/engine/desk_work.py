"""What the desk process does for each request, in the main thread, keeping what is costly to load.

PEFT, and bitsandbytes with it, are imported by the first request that needs an adapter: they are 1.4 s of the
processor and 56 MB, and looking at data needs neither.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from studio.core import config_file, desk
from studio.core.audit.texts import OnFindings
from studio.core.chat import desirable, with_system
from studio.core.config import DataSpec
from studio.core.data.datasets import open_dataset
from studio.core.errors import StudioError
from studio.core.events import Event, Phase
from studio.core.objectives import objective_for
from studio.engine import audit, doctor, hub, model
from studio.engine.labels import Encoded, Encoder, make_encoder
from studio.engine.provenance import written
from studio.engine.templates import given_template

if TYPE_CHECKING:
    from studio.core.library import Entry
    from studio.engine.evaluation import OnResults
    from studio.engine.loaded import Loaded

OnProgress = Callable[[desk.PhaseName, int, int], None]
OnPiece = Callable[[int, str], None]


class Work:
    """Answers requests; what they left loaded serves the next ones."""

    def __init__(self) -> None:
        """Starts with nothing loaded."""
        self._loaded: Loaded | None = None
        self._encoder: tuple[Any, Encoder] | None = None
        self._tokenizer: tuple[Any, Any] | None = None

    def do(
        self,
        request: desk.Request,
        on_progress: OnProgress,
        on_piece: OnPiece,
        on_findings: OnFindings,
        check: Callable[[], None] | None = None,
        on_results: "OnResults | None" = None,
    ) -> desk.Result:
        """Answers a request; where nothing is told for long, `check` is called often.

        Raises:
            StudioError: it cannot be answered. What the callbacks raise passes through.
        """
        match request:
            case desk.Tokens():
                return self._tokens(request, on_progress)
            case desk.Plan():
                from studio.engine import planning

                count = planning.plan if request.kind == "plan" else planning.memory
                config = config_file.build(request.config)
                return desk.Facts(facts=count(config, _counting(on_progress), self._tokenizer_of))
            case desk.Model():
                from studio.engine import targets

                folder = hub.resolve(request.model, request.revision, partial(on_progress, "downloading"), "config")
                return desk.Facts(facts=targets.tree(model.skeleton(folder)).to_dict())
            case desk.Hardware():
                return desk.Facts(facts=doctor.report())
            case desk.Release():
                if self._loaded is not None:
                    self._loaded.drop()
                return desk.Facts(facts={})
            case desk.Answer():
                return self._answers(request, on_progress, on_piece, check)
            case desk.Score():
                return self._scores(request, on_progress, check)
            case desk.Evaluate():
                return self._evaluation(request, on_progress, on_results or (lambda results: None), check)
            case desk.Audit():
                return self._audit(request, on_progress, on_findings)
            case desk.Lengths():
                return self._lengths(request, on_progress)

    def forget(self) -> None:
        """Drops everything loaded: after a defect nobody knows what state it is in."""
        if self._loaded is not None:
            self._loaded.drop()
        self._encoder = self._tokenizer = None

    def _tokens(self, request: desk.Tokens, on_progress: OnProgress) -> desk.Picture:
        data, row_format = _row(request, on_progress)
        folder = hub.resolve(request.model, request.revision, partial(on_progress, "downloading"), "tokenizer")
        encoder = self._encoder_of(folder, _spec(request), objective_for(row_format, request.objective))
        if request.template:
            encoder = replace(encoder, template=given_template(request.template))
        worse = request.worse and row_format == "preference"
        return picture(encoder, data, row_format, worse)

    def _audit(self, request: desk.Audit, on_progress: OnProgress, on_findings: OnFindings) -> desk.Audited:
        spec = DataSpec(
            path=request.file,
            format=request.format,  # type: ignore[arg-type] # a wrong one is refused here
            mapping=request.mapping,
            eval_path=request.eval_path or None,
            eval_split=request.eval_split,
            max_length=request.max_length,
            chat_template=request.chat_template,
            system=request.system,
            long_text=request.long_text,
            chunk_overlap=request.chunk_overlap,
        )
        dataset = open_dataset(request.file, request.format, partial(on_progress, "reading"), request.mapping)
        folder = hub.resolve(request.model, request.revision, partial(on_progress, "downloading"), "tokenizer")
        encoder = self._encoder_of(folder, spec, objective_for(dataset.format, request.objective))
        made = audit.examine(dataset, encoder, spec, request.seed, on_progress, on_findings)
        return desk.Audited(
            findings=[item.summary() for item in made.found],
            about=made.about,
            folders=[str(place) for place in made.folders],
            lengths=str(made.lengths_folder),
        )

    def _lengths(self, request: desk.Lengths, on_progress: OnProgress) -> desk.Measured:
        spec = DataSpec(path=request.file, chat_template=request.chat_template, system=request.system)
        dataset = open_dataset(request.file, request.format, partial(on_progress, "reading"), request.mapping)
        folder = hub.resolve(request.model, request.revision, partial(on_progress, "downloading"), "tokenizer")
        encoder = self._encoder_of(folder, spec, objective_for(dataset.format, request.objective))
        place, measured = audit.measure(dataset, encoder, on_progress)
        return desk.Measured(lengths=str(place), findings=[item.summary() for item in measured.unfit])

    def _encoder_of(self, folder: Path, spec: DataSpec, objective: str) -> Encoder:
        """Returns the encoder of a row; the last one is kept, since making it is costly for large tokenizers."""
        chunking = (spec.long_text, spec.chunk_overlap, spec.train_overlap)
        template = (spec.chat_template, _changed_s(spec.chat_template), spec.system)
        key = (folder, spec.max_length, *chunking, *template, objective)
        if self._encoder is None or self._encoder[0] != key:
            self._encoder = key, make_encoder(self._tokenizer_of(folder), spec, objective)
        return self._encoder[1]

    def _tokenizer_of(self, folder: Path) -> Any:
        """Returns the tokenizer of a model; the last one is kept, since opening a large one takes a second."""
        key = folder, [_changed_s(str(file)) for file in sorted(folder.glob("token*"))]
        if self._tokenizer is None or self._tokenizer[0] != key:
            self._tokenizer = key, model.load_tokenizer(folder)
        return self._tokenizer[1]

    def _answers(
        self, request: desk.Answer, on_progress: OnProgress, on_piece: OnPiece, check: Callable[[], None] | None
    ) -> desk.Answers:
        from studio.engine.generate import Sampling
        from studio.engine.loaded import Loaded

        messages = [asdict(item) for item in request.messages]
        sampling = Sampling(**asdict(request.sampling))
        loaded = self._loaded = self._loaded or Loaded()
        wanted = loaded.find(request, on_progress)
        loaded.check(wanted, messages)
        answers = loaded.answer(wanted, messages, sampling, on_progress, on_piece, check)
        columns = [
            desk.Column(adapter=name, text=item.text, tokens=item.tokens, seconds=item.seconds, cut=item.cut)
            for name, item in zip(request.adapters, answers, strict=True)
        ]
        return desk.Answers(columns=columns)

    def _scores(self, request: desk.Score, on_progress: OnProgress, check: Callable[[], None] | None) -> desk.Scores:
        from studio.engine import scoring
        from studio.engine.loaded import Loaded

        text = request.text
        data, row_format = _row(text, on_progress)
        loaded = self._loaded = self._loaded or Loaded()
        wanted = loaded.find(request, on_progress)
        loaded.require_same_tokens(wanted)
        encoder = self._encoder_of(wanted.folder, _spec(text), objective_for(row_format, text.objective))
        if text.template:
            encoder = replace(encoder, template=given_template(text.template))
        elif text.chat_template == "auto":
            encoder = _as_trained(encoder, next((entry for entry in wanted.entries if entry), None), bool(text.file))
        if any(message.role == "system" for message in text.messages):
            encoder = replace(encoder, system="")
        if not text.file and encoder.template is None:
            data, row_format = _plain(text.messages), "prompt_completion"
        worse = text.worse and row_format == "preference"
        encoded = encoder.encode(data, row_format, worse)
        found = loaded.score(wanted, encoded, on_progress, check)
        answer = text.messages[-1].content if request.unfinished and text.messages else ""
        end = encoded.text.rfind(answer) + len(answer) if answer in encoded.text and answer else None
        counts = scoring.counting(encoded, found[0], end)
        shown = request.most_shown
        columns = [
            desk.Scored(
                adapter=name,
                loss=_finite_mean(item.losses[counts], name),
                losses=item.losses[:shown].tolist(),
                top_ids=item.top_ids[:shown].ravel().tolist(),
                top_losses=item.top_losses[:shown].ravel().tolist(),
            )
            for name, item in zip(request.adapters, found, strict=True)
        ]
        return desk.Scores(
            picture=_drawn(encoder, encoded, data, row_format, worse, shown),
            columns=columns,
            counts=counts[:shown].tolist(),
            counted=int(counts.sum()),
            read=found[0].read,
            top_k=scoring.TOP,
            names=_names(encoder.tokenizer, {at for column in columns for at in column.top_ids if at >= 0}),
        )

    def _evaluation(
        self, request: desk.Evaluate, on_progress: OnProgress, on_results: "OnResults", check: Callable[[], None] | None
    ) -> desk.Evaluated:
        from studio.engine import evaluation
        from studio.engine.loaded import Loaded

        config = config_file.build(request.config)
        rows = evaluation.find(request, config, on_progress)
        loaded = self._loaded = self._loaded or Loaded()
        wanted = loaded.find(request, on_progress)
        loaded.require_same_tokens(wanted)
        encoder = self._encoder_of(wanted.folder, config.data, rows.training.objective)
        if config.data.chat_template == "auto":
            encoder = _as_trained(encoder, next((entry for entry in wanted.entries if entry), None), of_data=True)
        return evaluation.evaluate(request, rows, loaded, wanted, encoder, on_progress, on_results, check)


def _as_trained(encoder: Encoder, entry: "Entry | None", of_data: bool) -> Encoder:
    """Returns the encoder with the template that an adapter was trained with, as far as that is known.

    What is typed is read with the system prompt of the training too; a row of data has that of its settings.

    Args:
        encoder: with the base's own.
        entry: the adapter; None: the base is asked alone.
        of_data: a row of data is read, which training may have laid out without a template.
    """
    from studio.engine.generate import encoder_for

    data = entry.config.get("data") if entry else None
    named = data.get("chat_template", "auto") if isinstance(data, dict) else None
    if entry is None or (of_data and named == "auto"):
        return encoder
    if of_data and named == "none":
        return replace(encoder, template=None)
    trained = encoder_for(encoder.tokenizer, entry)
    return replace(encoder, template=trained.template, system=encoder.system if of_data else trained.system)


def _plain(messages: Sequence[desk.Message]) -> dict[str, str]:
    """Returns a conversation as a model without a template is asked: its texts as they stand, the answer behind."""
    *before, last = [message.content for message in messages]
    return {"prompt": "\n\n".join(before), "completion": last}


def _finite_mean(losses: Any, adapter: str | None) -> float:
    """Returns the mean of losses, (n,).

    Raises:
        StudioError: (model), (adapter) one of them is not finite.
    """
    mean = float(losses.mean(dtype="float64"))
    if math.isfinite(mean):
        return mean
    hint = "Its numbers overflow: hold the base in float32 if that is possible, or use another one."
    if adapter is None:
        raise StudioError("model", "The base gives no finite loss for this text.", hint)
    raise StudioError("adapter", f"The adapter {adapter} gives no finite loss for this text.", hint)


def _names(tokenizer: Any, ids: set[int]) -> dict[int, str]:
    """Returns what stands for tokens in a text: their own where they are a text by themselves, else their names."""
    # The first token of a text may lose its space.
    before = tokenizer.encode("a", add_special_tokens=False)[-1:]
    start = len(tokenizer.decode(before))
    found = {at: tokenizer.decode([*before, at])[start:] for at in ids}
    names = tokenizer.convert_ids_to_tokens(list(found))
    pairs = zip(found.items(), names, strict=True)
    return {at: text if text and "\ufffd" not in text else str(name or at) for (at, text), name in pairs}


def _row(request: desk.Tokens, on_progress: OnProgress) -> tuple[dict[str, Any], str]:
    """Returns the columns of what is to be shown, and how they are read."""
    if not request.file:
        return {"messages": [asdict(message) for message in request.messages]}, "messages"
    dataset = open_dataset(request.file, request.format, partial(on_progress, "reading"), request.mapping)
    return dataset.find(request.row).data, dataset.format


def _spec(request: desk.Tokens) -> DataSpec:
    return DataSpec(
        path=request.file or "-",
        format=request.format,  # type: ignore[arg-type] # a wrong one is refused here
        max_length=request.max_length,
        chat_template=request.chat_template,
        system=request.system,
        long_text=request.long_text,
        chunk_overlap=request.chunk_overlap,
        train_overlap=request.train_overlap,
    )


def _counting(on_progress: OnProgress) -> Callable[[Event], None]:
    def report(event: Event) -> None:
        if isinstance(event, Phase):
            phase: desk.PhaseName = "downloading" if event.name == "downloading" else "counting"
            on_progress(phase, event.done, event.total)

    return report


def _changed_s(template: str) -> float:
    path = Path(template)
    return path.stat().st_mtime if template not in ("auto", "none") and path.is_file() else 0.0


def picture(encoder: Encoder, data: dict[str, Any], row_format: str, worse: bool = False) -> desk.Picture:
    """Returns a row's tokens for the window, at most `desk.MAX_SHOWN_TOKENS` of them; see `Encoder.encode`.

    Raises:
        StudioError: (data) the row is not usable, or the template refuses it or does not come to an end.
    """
    encoded = encoder.encode(data, row_format, worse)
    return _drawn(encoder, encoded, data, row_format, worse, desk.MAX_SHOWN_TOKENS)


def _judged(data: dict[str, Any], row_format: str, worse: bool) -> Literal["", "better", "worse", "good", "bad"]:
    """Returns what is said of the answer of a row that can be used."""
    if row_format == "kto":
        return "good" if desirable(data) else "bad"
    return "worse" if worse else "better" if row_format == "preference" else ""


def _drawn(
    encoder: Encoder, encoded: Encoded, data: dict[str, Any], row_format: str, worse: bool, most: int
) -> desk.Picture:
    shown = slice(most)
    offsets = encoded.offsets[shown]
    whole = len(offsets) == len(encoded.ids)
    return desk.Picture(
        text=encoded.text if whole else encoded.text[: offsets[-1][1]],
        ids=encoded.ids[shown],
        names=encoder.tokenizer.convert_ids_to_tokens(encoded.ids[shown]),
        trained=encoded.trained[shown],
        special=encoded.special[shown],
        offsets=offsets,
        kept=encoded.kept,
        tokens=len(encoded.ids),
        chunks=[(chunk.start, chunk.stop, chunk.fresh) for chunk in encoded.chunks],
        beginning=encoded.beginning,
        written=written(encoder, {**with_system(data, encoder.system)}, row_format, encoded.text, offsets, worse),
        template=encoder.template or "",
        answer=_judged(data, row_format, worse),
    )
