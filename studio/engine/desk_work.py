"""What the desk process does for each request, in the main thread, keeping what is costly to load."""

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from studio.core import config_file, desk
from studio.core.config import DataSpec
from studio.core.datasets import open_dataset
from studio.core.errors import StudioError
from studio.core.events import Event, Phase
from studio.engine import hardware, hub, model, planning, targets
from studio.engine.generate import Sampling
from studio.engine.labels import Encoded, Encoder, make_encoder
from studio.engine.loaded import Loaded

OnProgress = Callable[[desk.PhaseName, int, int], None]
OnPiece = Callable[[int, str], None]

# A template is laid out in milliseconds; one that takes this long, or this much memory, does so on purpose.
TEMPLATE_S = 8.0
TEMPLATE_BYTES = 1_000_000_000


class TooLong(BaseException):
    """A stranger's template did not come to an end. No engine code may take it for an error of its own."""


class Work:
    """Answers requests; what they left loaded serves the next ones."""

    def __init__(self) -> None:
        """Starts with nothing loaded."""
        self._loaded = Loaded()
        self._encoder: tuple[Any, Encoder] | None = None
        self._tokenizer: tuple[Any, Any] | None = None

    def do(self, request: desk.Request, on_progress: OnProgress, on_piece: OnPiece) -> desk.Result:
        """Answers a request.

        Raises:
            StudioError: it cannot be answered. What `on_progress` and `on_piece` raise passes through.
        """
        match request:
            case desk.Tokens():
                return self._tokens(request, on_progress)
            case desk.Plan():
                config = config_file.build(request.config)
                return desk.Facts(facts=planning.plan(config, _counting(on_progress), self._tokenizer_of))
            case desk.Model():
                folder = hub.resolve(request.model, request.revision, partial(on_progress, "downloading"), "config")
                return desk.Facts(facts=targets.tree(model.skeleton(folder)).to_dict())
            case desk.Hardware():
                return desk.Facts(facts=hardware.report())
            case desk.Answer():
                return self._answers(request, on_progress, on_piece)

    def forget(self) -> None:
        """Drops everything loaded: after a defect nobody knows what state it is in."""
        self._loaded.drop()
        self._encoder = self._tokenizer = None

    def _tokens(self, request: desk.Tokens, on_progress: OnProgress) -> desk.Picture:
        spec = DataSpec(
            path=request.file or "-",
            format=request.format,  # type: ignore[arg-type]
            max_length=request.max_length,
            chat_template=request.chat_template,
            long_text=request.long_text,
            chunk_overlap=request.chunk_overlap,
            train_overlap=request.train_overlap,
        )
        data: dict[str, Any] = {"messages": [{"role": m.role, "content": m.content} for m in request.messages]}
        row_format = "messages"
        if request.file:
            dataset = open_dataset(request.file, request.format, partial(on_progress, "reading"), request.mapping)
            data, row_format = dataset.find(request.row).data, dataset.format
        folder = hub.resolve(request.model, request.revision, partial(on_progress, "downloading"), "tokenizer")
        encoder = self._encoder_of(folder, spec, request.objective)
        with limited():
            return picture(encoder, encoder.encode(data, row_format))

    def _encoder_of(self, folder: Path, spec: DataSpec, objective: str) -> Encoder:
        """Returns the encoder of a row; the last one is kept, since making it is costly for large tokenizers."""
        chunking = (spec.long_text, spec.chunk_overlap, spec.train_overlap)
        key = (folder, spec.max_length, *chunking, spec.chat_template, _changed_s(spec.chat_template), objective)
        if self._encoder is None or self._encoder[0] != key:
            tokenizer = self._tokenizer_of(folder)
            with limited():
                self._encoder = key, make_encoder(tokenizer, spec, objective)
        return self._encoder[1]

    def _tokenizer_of(self, folder: Path) -> Any:
        """Returns the tokenizer of a model; the last one is kept, since opening a large one takes a second."""
        key = folder, [_changed_s(str(file)) for file in sorted(folder.glob("token*"))]
        if self._tokenizer is None or self._tokenizer[0] != key:
            self._tokenizer = key, model.load_tokenizer(folder)
        return self._tokenizer[1]

    def _answers(self, request: desk.Answer, on_progress: OnProgress, on_piece: OnPiece) -> desk.Answers:
        messages = [asdict(item) for item in request.messages]
        sampling = Sampling(**asdict(request.sampling))
        wanted = self._loaded.prepare(request, on_progress)
        with limited():
            self._loaded.check(wanted, messages)
        answers = self._loaded.answer(wanted, messages, sampling, on_progress, on_piece)
        columns = [
            desk.Column(adapter=name, text=item.text, tokens=item.tokens, seconds=item.seconds, cut=item.cut)
            for name, item in zip(request.adapters, answers, strict=True)
        ]
        return desk.Answers(columns=columns)


def _counting(on_progress: OnProgress) -> Callable[[Event], None]:
    def report(event: Event) -> None:
        if isinstance(event, Phase):
            phase: desk.PhaseName = "downloading" if event.name == "downloading" else "counting"
            on_progress(phase, event.done, event.total)

    return report


def _changed_s(template: str) -> float:
    path = Path(template)
    return path.stat().st_mtime if template not in ("auto", "none") and path.is_file() else 0.0


def picture(encoder: Encoder, encoded: Encoded) -> desk.Picture:
    """Returns a row's tokens for the window, at most `desk.MAX_SHOWN_TOKENS` of them."""
    shown = slice(desk.MAX_SHOWN_TOKENS)
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
    )


@contextmanager
def limited(seconds: float = TEMPLATE_S) -> Iterator[None]:
    """Ends what a stranger's template does inside once it takes too long or too much memory.

    Jinja's sandbox keeps a template from reaching anything, but not from counting for ever; being Python, its loops
    can be interrupted by an exception raised in this thread from another. For the main thread alone.

    Raises:
        StudioError: (data) it did.
    """
    thread, lock, going = threading.get_ident(), threading.Lock(), True

    def interrupt(kind: Any) -> None:
        with lock:
            if going:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), kind)

    timer = threading.Timer(seconds, interrupt, [ctypes.py_object(TooLong)])
    timer.daemon = True
    timer.start()
    try:
        with _little_memory():
            yield
    except TooLong:
        raise _endless(f"did not come to an end within {seconds:.0f} seconds") from None
    except MemoryError:
        raise _endless("asked for more memory than a conversation can need") from None
    finally:
        timer.cancel()
        with lock:
            going = False


def _endless(what: str) -> StudioError:
    return StudioError("data", f"Laying this out {what}.", "Choose another chat template, or shorten the row.")


@contextmanager
def _little_memory() -> Iterator[None]:
    """Bounds what the process may take on top of what it has, where the system can do that."""
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = psutil.Process().memory_info().vms + TEMPLATE_BYTES
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
