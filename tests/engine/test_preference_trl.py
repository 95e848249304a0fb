"""Preferences beside TRL: the same losses and rewards, step by step, and beside the formula where TRL has another."""

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from studio.core.config import RunConfig
from studio.core.runs import Run
from studio.engine import adapters, model, objectives, optim
from studio.engine.corpus import read_corpus
from tests.training import judging, preferring, trained

# TRL still asks models by names that transformers is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

SPEC: dict[str, Any] = {"max_steps": 15, "lr_scheduler_type": "constant", "warmup_steps": 0, "weight_decay": 0.01}
SPEC |= {"train_sampling_strategy": "sequential", "learning_rate": 5e-3}
_ARGUMENTS: dict[str, Any] = {"per_device_train_batch_size": 4, "bf16": False, "use_cpu": True, "logging_steps": 1}
_ARGUMENTS |= {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "activation_checkpointing": False}


def halves(config: RunConfig) -> list[tuple[list[int], list[int]]]:
    """Returns of each sequence the tokens that are not learned, and those that are."""
    tokens = read_corpus(config, model.load_tokenizer(Path(config.model.path)), lambda event: None).train
    parted = (np.split(tokens[at][0], [int(tokens[at][1].argmax())]) for at in range(len(tokens)))
    return [(before.tolist(), behind.tolist()) for before, behind in parted]


def pairs(config: RunConfig) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """Yields of each row the prompt's tokens, the better answer's and the worse one's."""
    found = halves(config)
    for (prompt, better), (_, worse) in zip(found[::2], found[1::2], strict=True):
        yield prompt, better, worse


def fresh(config: RunConfig) -> Any:
    """Returns the model with its adapter as a run of `config` begins with it."""
    frozen = model.load_base(Path(config.model.path), config.model, torch.device("cpu"))
    optim.seed_all(config.training.seed, "initialise")
    return adapters.attach(frozen, config.adapter)


def assert_as_trl(run: Run, trainer: Any, *, rewards: bool = True) -> None:
    """Trains by TRL, and compares what it tells of each step with what a run told."""
    trainer.train()
    expected = [entry for entry in trainer.state.log_history if "loss" in entry]
    steps = run.progress().steps
    assert len(steps) == len(expected) == SPEC["max_steps"]
    np.testing.assert_allclose([item.loss for item in steps], [entry["loss"] for entry in expected], rtol=1e-4)
    if rewards:
        told = [(item.reward_accuracy or 0.0, item.reward_margin or 0.0) for item in steps]
        wanted = [(entry["rewards/accuracies"], entry["rewards/margins"]) for entry in expected]
        np.testing.assert_allclose(told, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("objective", "loss_type", "beta"), [("dpo", "sigmoid", 0.3), ("ipo", "ipo", 0.3)], ids=["dpo", "ipo"]
)
def test_what_is_measured_against_the_base_equals_trl(
    objective: str, loss_type: str, beta: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    # Without a template every token behind the prompt is learned, by both.
    spec = SPEC | {"beta": beta}
    whole = preferring(tmp_path, rows=60, data={"chat_template": "none"}, objective=objective, **spec)
    run = trained(whole, tmp_path / "run")
    rows = [{"prompt_ids": a, "chosen_ids": b, "rejected_ids": c} for a, b, c in pairs(whole)]
    # The rows' tokens are there already; how text becomes tokens is held beside TRL elsewhere.
    monkeypatch.setattr(DPOTrainer, "_prepare_dataset", lambda self, dataset, *_: dataset)
    arguments = _ARGUMENTS | spec | {"max_length": 128, "loss_type": [loss_type]}
    trainer = DPOTrainer(
        model=fresh(whole),
        args=DPOConfig(output_dir=str(tmp_path / "trl"), **arguments),
        train_dataset=Dataset.from_list(rows),
        processing_class=model.load_tokenizer(Path(whole.model.path)),
    )
    # What it tells of rewards is the sum, where the loss compares means.
    assert_as_trl(run, trainer, rewards=objective == "dpo")
    steps = run.progress().steps
    assert steps[0].loss == pytest.approx(math.log(2) if objective == "dpo" else (1 / 0.6) ** 2)
    assert (steps[-1].reward_accuracy or 0) > 0.9


def test_simpo_equals_trl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import Dataset
    from trl.experimental.cpo import CPOConfig, CPOTrainer

    spec = SPEC | {"beta": 1.5, "simpo_gamma": 0.8}
    whole = preferring(tmp_path, rows=60, data={"chat_template": "none"}, objective="simpo", **spec)
    run = trained(whole, tmp_path / "run")
    rows = []
    for prompt, *answers in pairs(whole):
        row: dict[str, Any] = {"prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}
        for name, answer in zip(("chosen", "rejected"), answers, strict=True):
            row[f"{name}_input_ids"] = prompt + answer
            row[f"{name}_attention_mask"] = [1] * len(prompt + answer)
            row[f"{name}_labels"] = [-100] * len(prompt) + answer
        rows.append(row)
    monkeypatch.setattr(CPOTrainer, "tokenize_row", lambda self, feature, model=None: feature)
    arguments = _ARGUMENTS | spec | {"loss_type": "simpo", "cpo_alpha": 0.0, "max_length": 128}
    trainer = CPOTrainer(
        model=fresh(whole),
        args=CPOConfig(output_dir=str(tmp_path / "trl"), remove_unused_columns=False, **arguments),
        train_dataset=Dataset.from_list(rows),
        processing_class=model.load_tokenizer(Path(whole.model.path)),
    )
    assert_as_trl(run, trainer)


def test_kto_equals_trl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    spec = SPEC | {"beta": 0.3, "desirable_weight": 1.2, "undesirable_weight": 0.8}
    whole = judging(tmp_path, rows=60, data={"chat_template": "none"}, **spec)
    run = trained(whole, tmp_path / "run")
    parted = halves(whole)
    tokens = read_corpus(whole, model.load_tokenizer(Path(whole.model.path)), lambda event: None).train
    # TRL has the answers go round in a batch; here they do in the data.
    before = [answer for _, answer in parted[-1:] + parted[:-1]]
    rows = [
        {"prompt_ids": prompt, "completion_ids": answer, "KL_completion_ids": other, "label": bool(good)}
        for (prompt, answer), other, good in zip(parted, before, tokens.desirable, strict=True)
    ]
    assert 0 < tokens.desirable.sum() < len(rows)
    monkeypatch.setattr(KTOTrainer, "_prepare_dataset", lambda self, dataset, *_: dataset)
    trainer = KTOTrainer(
        model=fresh(whole),
        args=KTOConfig(
            output_dir=str(tmp_path / "trl"), **(_ARGUMENTS | spec | {"max_length": int(tokens.lengths.max())})
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=model.load_tokenizer(Path(whole.model.path)),
    )
    assert_as_trl(run, trainer, rewards=False)
    told = [entry for entry in trainer.state.log_history if "loss" in entry]
    # The baseline counts: had it been 0 throughout, nothing of it would be compared.
    assert sum(entry["kl"] > 0.01 for entry in told) >= 3
    # Its rewards are told by label, those here by whether they have the label's sign.
    for item, entry, at in zip(run.progress().steps, told, range(0, 60, 4), strict=True):
        good = int(tokens.desirable[at : at + 4].sum())
        signed = good * entry.get("rewards/chosen", 0.0) - (4 - good) * entry.get("rewards/rejected", 0.0)
        assert item.reward_margin == pytest.approx(signed / 4, rel=1e-3, abs=1e-5)


def log_probability(made: Any, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """Returns the mean log-probability of an answer's tokens, from all logits."""
    ids = torch.tensor([prompt + answer])
    logits = made(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
    return functional.log_softmax(logits.float(), -1).gather(1, torch.tensor(answer)[:, None]).mean()


def test_orpo_is_its_formula_step_by_step(tmp_path: Path) -> None:
    spec = SPEC | {"beta": 0.4, "max_steps": 6}
    whole = preferring(tmp_path, rows=24, objective="orpo", data={"chat_template": "none"}, **spec)
    steps = trained(whole, tmp_path / "run").progress().steps
    made, rows = fresh(whole).train(), list(pairs(whole))
    learned = [parameter for parameter in made.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=spec["learning_rate"], weight_decay=spec["weight_decay"])
    for at, told in enumerate(steps):
        wins, found = list[bool](), list[torch.Tensor]()
        for prompt, *answers in rows[4 * at : 4 * at + 4]:
            better, worse = (log_probability(made, prompt, answer) for answer in answers)
            odds = [log - torch.log(1 - log.exp()) for log in (better, worse)]
            found.append(-better - 0.4 * functional.logsigmoid(odds[0] - odds[1]))
            wins.append(bool(better > worse))
        loss = torch.stack(found).mean()
        assert told.loss == pytest.approx(loss.item(), rel=1e-4)
        assert told.reward_accuracy == pytest.approx(np.mean(wins))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        optimizer.zero_grad()


def test_the_odds_of_orpo_are_trls() -> None:
    from trl.experimental.orpo import ORPOTrainer

    random = np.random.default_rng(0)
    counts = torch.from_numpy(random.integers(1, 40, 64))
    losses = torch.from_numpy(random.exponential(2.0, 64).astype(np.float32)) * counts
    means = -losses / counts
    asking: Any = SimpleNamespace(beta=0.7, accelerator=SimpleNamespace(device="cpu"))
    weighted, better, worse, *_ = ORPOTrainer.odds_ratio_loss(asking, means[::2], means[1::2])
    found = objectives.orpo(losses, counts, 0.7)
    torch.testing.assert_close(found[:, 0] + means[::2], -weighted, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[:, 2], better - worse)
