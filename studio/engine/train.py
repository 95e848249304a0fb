"""The loop: optimizer steps from where the session stands to the end, commands obeyed in between."""

import math
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from accelerate.utils import broadcast_object_list

from studio.core import events
from studio.core.errors import StudioError
from studio.core.files import read_lines
from studio.core.objectives import asked
from studio.core.progress import Progress
from studio.core.runs import Run
from studio.engine import batches, checkpoint, choices, hardware, reference, result, schedule, session, start, step
from studio.engine.corpus import Emit
from studio.engine.pace import Pace
from studio.engine.rowlog import RowLog
from studio.engine.session import Session

_POLL_S = 0.1


class _EndedError(Exception):
    """The run is to end before all is ready for it."""


@dataclass(slots=True)
class Commands:
    """What was asked of the run since byte `offset` of its `commands.jsonl`.

    Attributes:
        again: learning rates set behind steps that are being computed again, to be repeated at the same steps.
        waiting: what was asked before the first step, and cannot be done before it.
    """

    run: Run
    offset: int
    again: list[tuple[int, float]] = field(default_factory=list)
    waiting: list[events.Command] = field(default_factory=list)

    def due(self) -> list[events.Command]:
        """Returns what was asked since the last time."""
        path = self.run.commands_path
        if not path.exists() or path.stat().st_size <= self.offset:
            return []
        lines, self.offset = read_lines(path, self.offset)
        return _decoded(lines)

    def stops(self) -> list[events.Stop]:
        """Returns what waits of it that ends the run, the first first."""
        return [command for command in self.waiting if isinstance(command, events.Stop)]

    def unheard(self, before: Progress) -> list[events.Command]:
        """Returns the learning rate that was asked for last, where what came before `offset` ended without setting it.

        Args:
            before: what the run had told until then.
        """
        path, told = self.run.commands_path, [rate for _, rate in before.learning_rates]
        asked = _decoded(path.read_bytes()[: self.offset].splitlines()) if path.exists() else []
        rates = [command for command in asked if isinstance(command, events.SetLearningRate)][-1:]
        return [command for command in rates if [command.learning_rate] != told[-1:]]

    def saving(self) -> events.SaveMemory:
        """Returns what was ever asked for so that the run needs less memory: the last number, and any yes."""
        path = self.run.commands_path
        asked = _decoded(path.read_bytes().splitlines()) if path.exists() else []
        found = [command for command in asked if isinstance(command, events.SaveMemory)]
        return events.SaveMemory(
            micro_batch_tokens=next((item.micro_batch_tokens for item in found[::-1] if item.micro_batch_tokens), 0),
            activation_checkpointing=any(item.activation_checkpointing for item in found),
        )


def _decoded(lines: Iterable[bytes]) -> list[events.Command]:
    return [command for line in lines if (command := events.decode_command(line)) is not None]


def _agreed(current: Session, commands: Commands) -> list[events.Command]:
    """Returns what is to be obeyed as the main process sees it, so that all processes obey the same."""
    due = [[*commands.waiting, *commands.due()]]
    if current.accelerator.num_processes > 1:
        broadcast_object_list(due)
    commands.waiting = []
    return due[0]


def train(run: Run, commands_from: int, emit: Emit) -> None:
    """Trains `run` from its newest whole checkpoint, or from the start, to its end.

    Called by the run's own process, which holds its claim; by every process of a data-parallel run.

    Args:
        run: the run; only the main process writes to its folder.
        commands_from: the byte of `commands.jsonl` where this attempt's commands begin.
        emit: told every event, in the main process only.

    Raises:
        StudioError: as `Run.unfinished`, `session.prepare` and `session.save` do; (diverged) loss or gradient is not
            finite.
    """
    main = int(os.environ.get("RANK", "0")) == 0
    before = run.unfinished()
    commands = Commands(run, commands_from)
    commands.waiting += commands.unheard(before)
    # Before the first step nothing is bound by what an earlier attempt chose.
    earlier = before.prepared if before.steps else None
    told = emit if main else lambda event: None
    try:
        current = session.prepare(run, _hearing(told, commands, before.step), earlier, commands.saving())
    except _EndedError:
        _end(told, commands, before.step)
        return
    current.emit = told
    reference.look_up(current, lambda: _held(current, commands, before.step))
    restored = _go_back(current, commands, before)
    if not restored and not start.begin(current, lambda: _held(current, commands, before.step)):
        # Nothing is to be saved of an adapter that is half begun.
        _end(told, commands, before.step)
        return
    _tell_passes(current, earlier)
    answered = (item.step for item in before.answered if item.step <= current.position.step)
    current.answered_step = max(answered, default=-1)
    current.base_evaluated = current.position.step > 0 or before.base is not None
    outcome = _steps(current, commands)
    if outcome is not None:
        _finish(current, outcome)
    # Left to the interpreter's end, the threads of a process's connections now and then abort it.
    current.accelerator.end_training()


def _end(emit: Emit, commands: Commands, at: int) -> None:
    """Tells that the run ends before all is ready for it, as was asked."""
    emit(events.Obeyed(step=at, command=asdict(commands.stops()[0])))


def _hearing(emit: Emit, commands: Commands, step: int) -> Emit:
    """Returns what tells events and, wherever the preparation says how far it is, ends it if the run is to end.

    A run that has come to a `step` and is to keep its result goes on until it can write it. Processes that share a run
    would have to agree, so those go on until their first step.
    """
    if choices.shared():
        return emit

    def hear(event: events.Event) -> None:
        emit(event)
        commands.waiting += commands.due()
        if isinstance(event, events.Phase) and any(step == 0 or not stop.keep for stop in commands.stops()):
            raise _EndedError

    return hear


def _go_back(current: Session, commands: Commands, before: Progress) -> bool:
    """Restores the newest whole checkpoint, and returns whether there is one.

    Args:
        current: the session, at the start of the run.
        commands: given the learning rates that are to be set again.
        before: what the run had told before this attempt.
    """
    found = checkpoint.newest(current.run.path, best_too=current.config.training.load_best_model_at_end)
    if found.path is not None:
        session.restore(current, found.path)
    at = current.position.step
    if current.accelerator.is_main_process:
        checkpoint.clean(current.run.path, at)
    if found.path is None and not (found.refused or before.steps or before.resumed or before.failed):
        return False
    used = f"checkpoints/{found.path.name}" if found.path else ""
    current.emit(events.Resumed(step=at, checkpoint=used, refused=found.refused))
    if changed := current.run.changed_versions():
        said = f"The run began with other versions: {changed}. It may differ slightly."
        current.emit(events.Notice(step=at, message=said))
    if current.position.best_step and not found.best_whole:
        current.position.best_step, current.position.best_loss = 0, math.inf
        said = "The best checkpoint is damaged; the best is looked for from here on."
        current.emit(events.Notice(step=at, message=said))
    commands.again = [(set_at, rate) for set_at, rate in before.learning_rates if set_at >= at]
    return found.path is not None


def _tell_passes(current: Session, earlier: events.Prepared | None) -> None:
    """Says so where the run is computed in other passes from here on than before."""
    if earlier is None:
        return
    now, before = current.choices, (earlier.micro_batch_tokens, earlier.activations)
    # Padded rows are not laid in passes of so many tokens.
    tokens = now.micro_batch_tokens if now.batching == "flat" else earlier.micro_batch_tokens
    if (tokens, now.activations) == before:
        return
    said = f"From here on a pass has at most {now.micro_batch_tokens:,} tokens."
    if now.activations != earlier.activations:
        said = "From here on activations are computed again in the backward pass."
    what = "Rows and batches stay; numbers may differ in their last bits, and dropout draws others."
    current.emit(events.Notice(step=current.position.step, message=f"{said} {what}"))


def _steps(current: Session, commands: Commands) -> events.Outcome | None:
    """Runs steps until the end; None if the process was asked to end without a result."""
    position, spec = current.position, current.config.training
    log = RowLog(current.run.path, current.accelerator.process_index, position.step)
    current.emit(events.Phase(name="training"))
    evaluation = current.corpus.evaluation
    pace = Pace(len(evaluation.ids) if evaluation is not None else 0)
    epoch, plan, laid_out = -1, list[list[batches.Rows]](), list[batches.MicroBatch]()
    while position.step < current.steps:
        # Behind the checkpoint, which is not to wait for it; what was broken off is caught up with.
        _answer(current, commands, pace)
        # Asked before a step, not behind one: a run killed in between then ends at the same place.
        if spec.early_stopping_patience and position.stale_evaluations >= spec.early_stopping_patience:
            _save(current)
            return "early_stopped"
        stop = _obey(current, commands)
        if stop is not None:
            if position.step == 0:
                return None
            _save(current)
            return "stopped" if stop.keep else None
        if not current.base_evaluated:
            pace.evaluation_s = _evaluate_base(current)
            continue  # what was asked meanwhile comes before the first step
        if position.step // current.steps_per_epoch != epoch:
            epoch, laid_out = position.step // current.steps_per_epoch, []
            plan = step.plan(current, epoch)
        began = time.perf_counter()
        micro_batches, *after = plan[position.step % current.steps_per_epoch :][:2]
        taken = step.take(current, micro_batches, laid_out or step.lay_out(current, micro_batches))
        # While a card is still at work.
        laid_out = step.lay_out(current, after[0]) if after else []
        measured = step.read(current, micro_batches, taken, log)
        pace.add(time.perf_counter() - began, measured.tokens)
        _tell(current, measured, pace)
        if position.step % spec.eval_steps == 0 or position.step == current.steps:
            began = time.perf_counter()
            _count_evaluation(current)
            pace.evaluation_s = time.perf_counter() - began
        if position.step % spec.save_steps == 0 or position.best_step == position.step:
            began = time.perf_counter()
            _save(current)
            pace.saving_s = time.perf_counter() - began
    _save(current)
    _answer(current, commands, pace)
    return "completed"


def _tell(current: Session, measured: step.Measured, pace: Pace) -> None:
    """Moves the position on and tells of the step, the last that `pace` knows of."""
    position, spec = current.position, current.config.training
    step_s, _ = pace.steps[-1]
    position.step += 1
    position.train_s += step_s
    position.tokens += measured.tokens
    current.emit(
        events.Step(
            step=position.step,
            epoch=position.step / current.steps_per_epoch,
            loss=measured.loss,
            learning_rate=measured.learning_rate,
            grad_norm=measured.grad_norm,
            tokens=measured.tokens,
            trained_tokens=measured.trained,
            reward_accuracy=measured.accuracy,
            reward_margin=measured.margin,
            step_s=step_s,
            tokens_per_s=measured.tokens / step_s,
            memory_bytes=hardware.memory_bytes(current.accelerator.device),
            eta_s=pace.left_s(position.step, current.steps, spec.eval_steps, spec.save_steps),
        )
    )


def _evaluate_base(current: Session) -> float | None:
    """Evaluates before anything is learned, which counts neither as the best nor as one without gain.

    Always where there are evaluation rows: it costs what each of the later ones does, forward passes alone.

    Returns:
        The seconds it took; None: there are no such rows.
    """
    began = time.perf_counter()
    current.base_evaluated = True
    if (score := _evaluate(current)) is None:
        return None
    # Measured against itself a model prefers neither of two answers.
    accuracy = None if asked(current.config.training.objective).reference else score.accuracy
    _tell_evaluation(current, replace(score, accuracy=accuracy), best=False)
    return time.perf_counter() - began


def _count_evaluation(current: Session) -> None:
    """Evaluates, and keeps the score for the best checkpoint and early stopping."""
    if (score := _evaluate(current)) is None:
        return
    position = current.position
    best = score.loss < position.best_loss - current.config.training.early_stopping_threshold
    if best:
        position.best_loss, position.best_step, position.stale_evaluations = score.loss, position.step, 0
    else:
        position.stale_evaluations += 1
    _tell_evaluation(current, score, best)


def _evaluate(current: Session) -> step.Score | None:
    """Returns how well the evaluation rows are predicted; None without such rows, or where a run ends before that."""
    if current.corpus.evaluation is None or not reference.is_known(current):
        return None
    current.emit(events.Phase(name="evaluating"))
    score = step.evaluate(current, current.corpus.evaluation)
    current.emit(events.Phase(name="training"))
    return score


def _answer(current: Session, commands: Commands, pace: Pace | None = None, *, at_once: bool = False) -> None:
    """Answers the user's prompts, if there are any and the step is one to do so at, unless the run is to end.

    Args:
        current: the session.
        commands: what is asked meanwhile.
        pace: told how long it took.
        at_once: at any step, as long as they were not answered at it.
    """
    spec, at = current.config.training, current.position.step
    due = at_once or at % spec.eval_steps == 0 or at == current.steps
    if not spec.sample_prompts or not due or current.answered_step == at:
        return
    # What generates takes a while to load, which a run without prompts is spared.
    from studio.engine import samples

    began = time.perf_counter()
    if samples.tell(current, lambda: _ends(commands)):
        current.answered_step = at
        if pace is not None:
            pace.answers_s = time.perf_counter() - began


def _reply(current: Session, commands: Commands, question: events.Question, ending: bool) -> None:
    """Answers a question, unless the run is to end, or is `ending` already."""
    from studio.engine import samples

    samples.reply(current, question, lambda: ending or _ends(commands))


def _ends(commands: Commands) -> bool:
    """Returns whether the run was asked to end; whatever is asked is obeyed behind the step as ever."""
    commands.waiting += commands.due()
    return bool(commands.stops())


def _tell_evaluation(current: Session, score: step.Score, best: bool) -> None:
    current.emit(
        events.Evaluated(
            step=current.position.step,
            eval_loss=score.loss,
            trained_tokens=score.trained,
            reward_accuracy=score.accuracy,
            best=best,
        )
    )
    if not math.isfinite(score.loss):
        at = current.position.step
        message = f"The evaluation loss of step {at} is not a finite number: it counts as no gain."
        if not at:
            message = "The evaluation loss before training is not a finite number."
        current.emit(events.Notice(step=at, message=message))


def _save(current: Session) -> None:
    """Writes a checkpoint unless this step has one, then lets go of old ones."""
    position, spec, run = current.position, current.config.training, current.run.path
    target = checkpoint.folder(run) / checkpoint.name(position.step)
    if current.accelerator.is_main_process and not (target.exists() and not checkpoint.verify(target)):
        current.emit(events.Phase(name="saving"))
        target = session.save(current)
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        current.emit(events.Saved(step=position.step, path=f"checkpoints/{target.name}", size_bytes=size))
        checkpoint.rotate(run, spec.save_total_limit, position.best_step)
        current.emit(events.Phase(name="training"))
    current.accelerator.wait_for_everyone()


def _held(current: Session, commands: Commands, at: int) -> bool:
    """Obeys pauses before this attempt's first step, and leaves all else to `_obey`.

    Args:
        current: the session.
        commands: what is asked.
        at: the step that the run had come to.

    Returns:
        Whether the run is to end.
    """
    paused = False
    while True:
        for command in _agreed(current, commands):
            if isinstance(command, events.Pause | events.Continue):
                paused = isinstance(command, events.Pause)
                current.emit(events.Obeyed(step=at, command=asdict(command)))
            else:
                commands.waiting.append(command)
        if commands.stops():
            return True
        if not paused:
            return False
        time.sleep(_POLL_S)


def _obey(current: Session, commands: Commands) -> events.Stop | None:
    """Obeys what was asked since the last step; returns the last request to stop."""
    paused = False
    stop: events.Stop | None = None
    for at, rate in commands.again:
        if at == current.position.step:
            schedule.set_peak(current.scheduler, rate)
    commands.again = [(at, rate) for at, rate in commands.again if at > current.position.step]
    while True:
        due = _agreed(current, commands)
        ending = stop is not None or any(isinstance(command, events.Stop) for command in due)
        for command in due:
            match command:
                case events.Pause():
                    paused = True
                    _save(current)
                case events.Continue():
                    paused = False
                case events.Save():
                    _save(current)
                case events.Evaluate():
                    if current.position.step == 0:
                        _evaluate_base(current)
                    elif (score := _evaluate(current)) is not None:
                        _tell_evaluation(current, score, best=False)
                    _answer(current, commands, at_once=True)
                case events.Question():
                    _reply(current, commands, command, ending)
                    continue  # what it answered says so
                case events.SetLearningRate():
                    schedule.set_peak(current.scheduler, command.learning_rate)
                    # It takes the place of those that were set further on before the run went back.
                    commands.again = []
                case events.Stop():
                    stop = command
            current.emit(events.Obeyed(step=current.position.step, command=asdict(command)))
        if commands.waiting and current.accelerator.num_processes == 1:
            continue  # asked while another was obeyed; of several processes the main one alone knows of it yet
        if stop or not paused:
            return stop
        time.sleep(_POLL_S)


def _finish(current: Session, outcome: events.Outcome) -> None:
    """Puts the result in the run folder and, if it is an adapter, in the library; by the main process."""
    if not current.accelerator.is_main_process:
        return
    current.emit(events.Phase(name="finishing"))
    position, spec = current.position, current.config.training
    at = position.best_step if spec.load_best_model_at_end and position.best_step else position.step
    source = checkpoint.folder(current.run.path) / checkpoint.name(at)
    if fault := checkpoint.verify(source):
        raise StudioError(
            "checkpoint",
            f"The checkpoint {source.name} that holds the result is damaged: {fault}.",
            "Resume the run: it goes on from the checkpoint before.",
        )
    path, adapter = result.write(current, source, at)
    current.emit(
        events.Finished(
            step=position.step,
            outcome=outcome,
            path=path,
            adapter=adapter,
            result_step=at,
            train_s=position.train_s,
        )
    )
