"""Trains once more what lies beside this file, without the program that trained it first.

    python train.py                          the base model is found by its id
    python train.py --model FOLDER           or in a folder

It needs torch, transformers, peft and safetensors, and bitsandbytes where the base is quantized. It reads

    run.json             the settings
    rows.safetensors     the rows as they were trained on: token ids, and which of them are learned
    steps.jsonl          which rows were in which step, its learning rate, and the loss and gradient that came of it
    start.safetensors    the adapter as it was before the first step

and prints the loss of every step beside the run's own. A step is computed row by row, and the optimizer takes what all
rows have added up to. However rows are padded, packed or divided into batches to be faster, that is the same number.
"""

import argparse
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_config, get_peft_model
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments

HERE = Path(__file__).resolve().parent
DRAWS = 5  # of the noise, to tell how far it moves a loss

Learn = Callable[[torch.Tensor], object]


class Rows:
    """Rows as token ids and labels; a label is the token itself, or -100 where it is read but not learned.

    A row is one sequence, or two where it has a better answer and a worse one. `before` holds what each sequence's loss
    was before training, where the objective compares with that. For KTO `good` says of which answers more is wanted,
    and `mismatched` are the prompts with other rows' answers.
    """

    def __init__(self, run: dict[str, Any], stored: dict[str, torch.Tensor], part: str, device: torch.device) -> None:
        """Takes a part of `rows.safetensors`, in which all sequences lie end to end."""
        self.ids, self.labels = (stored[f"{part}.{name}"].long().to(device) for name in ("ids", "labels"))
        self.offsets: list[int] = stored[f"{part}.offsets"].tolist()
        self.answers: int = run["answers"]
        self.dtype: torch.dtype = getattr(torch, run["dtype"])
        self.before: list[torch.Tensor] = []
        self.good = stored[f"{part}.good"].tolist() if f"{part}.good" in stored else []
        self.mismatched = Rows(run, stored, f"{part}.mismatched", device) if self.good else None

    def sequences(self, row: int) -> slice:
        """Returns which sequences are a row's."""
        return slice(row * self.answers, (row + 1) * self.answers)

    def learned(self, sequence: int) -> int:
        """Returns how many tokens of a sequence are learned; the first has nothing that it could be predicted from."""
        return int((self.labels[self.offsets[sequence] + 1 : self.offsets[sequence + 1]] != -100).sum())

    def loss(self, model: Any, sequence: int) -> torch.Tensor:
        """Returns the cross-entropy of a sequence's learned tokens, summed, in nats."""
        span = slice(self.offsets[sequence], self.offsets[sequence + 1])
        # A token is predicted from those before it: what is fed lacks the last one, what is asked for the first.
        fed, asked = self.ids[span][None, :-1], self.labels[span][1:]
        kind = model.device.type
        # What a processor multiplies is not turned into float16.
        mixed = self.dtype == torch.bfloat16 or (self.dtype == torch.float16 and kind == "cuda")
        with torch.autocast(kind, self.dtype if mixed else torch.bfloat16, enabled=mixed):
            logits = model(input_ids=fed, use_cache=False).logits[0]
        return functional.cross_entropy(logits.float(), asked, ignore_index=-100, reduction="sum")


def load_base(run: dict[str, Any], where: str, device: torch.device) -> Any:
    """Loads the base model, quantized where the run had it so."""
    model = AutoModelForCausalLM.from_pretrained(
        where,
        revision=run["base"]["revision"] if where == run["base"]["path"] else None,
        dtype=getattr(torch, run["dtype"]),
        quantization_config=BitsAndBytesConfig(**run["quantization"]) if run["quantization"] else None,
        device_map={"": device},
    )
    for layer in model.modules():
        # Some processors would else round quantized weights once more when they answer.
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
    return model


def fingerprint(folder: Path) -> str:
    """Returns the SHA-256 over the names and contents of a model's weights files."""
    whole, single = hashlib.sha256(), folder / "model.safetensors"
    for file in [single] if single.is_file() else sorted(folder.glob("model-*.safetensors")):
        with file.open("rb") as stream:
            whole.update(f"{file.name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def adapted(run: dict[str, Any], base: Any) -> Any:
    """Puts the adapter on the base as it was before the first step; without one every weight is trained."""
    if run["adapter"] is None:
        return base.float().requires_grad_(True)
    model = get_peft_model(base, get_peft_config(run["adapter"]))
    for parameter in model.parameters():
        if parameter.requires_grad:  # what is learned is float32, whatever the base is held in
            parameter.data = parameter.data.float()
    found = model.load_state_dict(load_file(HERE / "start.safetensors"), strict=False)
    assert not found.unexpected_keys, f"this version of PEFT has no {found.unexpected_keys[0]}"
    return model


def make_optimizer(run: dict[str, Any], model: Any) -> torch.optim.Optimizer:
    """Makes the optimizer that transformers' Trainer would; biases and norms are spared the weight decay.

    With LoRA+ (Hayou et al. 2024) every B, and they too, learn `loraplus_lr_ratio` times as fast as A.
    """
    arguments = TrainingArguments(str(HERE), report_to="none", use_cpu=model.device.type == "cpu", **run["trainer"])
    make, options = Trainer.get_optimizer_cls_and_kwargs(arguments)
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            ratio = run["loraplus_lr_ratio"] if "lora_B" in name or parameter.ndim <= 1 else 1.0
            decay = arguments.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((ratio, decay), []).append(parameter)
    settings = [{"params": found, "ratio": ratio, "weight_decay": decay} for (ratio, decay), found in groups.items()]
    optimizer: torch.optim.Optimizer = make(settings, **options | run["optimizer_options"])
    return optimizer


def add_noise(model: Any, alpha: float) -> None:
    """Has noise added to the embeddings of rows that are trained on (NEFTune, Jain et al. 2023)."""

    def add(_: Any, __: Any, embedded: torch.Tensor) -> torch.Tensor:
        tokens, width = embedded.shape[1] + 1, embedded.shape[2]  # with the last token, which is not fed
        most = alpha / math.sqrt(tokens * width) if model.training else 0.0
        return embedded + torch.empty_like(embedded).uniform_(-1, 1) * most

    model.get_input_embeddings().register_forward_hook(add)


def look_up(run: dict[str, Any], model: Any, rows: Rows | None) -> None:
    """Notes the losses before training: of the base alone, or with the adapter that is trained further."""
    if rows is None:
        return
    look_up(run, model, rows.mismatched)
    model.eval()
    sequences = range(len(rows.offsets) - 1)
    with torch.no_grad():
        if run["further"]:
            rows.before = [rows.loss(model, sequence) for sequence in sequences]
        else:
            with model.disable_adapter():
                rows.before = [rows.loss(model, sequence) for sequence in sequences]


def less_wrong(margin: torch.Tensor) -> torch.Tensor:
    """Returns -log sigmoid(margin): little where the better answer is ahead, more the further it lies behind."""
    loss: torch.Tensor = -functional.logsigmoid(margin)
    return loss


def drift(model: Any, rows: Rows | None, numbers: Sequence[int]) -> float:
    """Returns KTO's z0: how much likelier than before answers are to prompts that are not theirs, if they are."""
    if rows is None:
        return 0.0
    with torch.no_grad():
        gains = [float(rows.before[number] - rows.loss(model, number)) for number in numbers]
    return max(0.0, sum(gains) / len(gains))


def row_loss(run: dict[str, Any], model: Any, rows: Rows, row: int, z0: float) -> torch.Tensor:
    """Returns a row's loss: that of its learned tokens together, or what the objective makes of its answers."""
    numbers = range(len(rows.offsets) - 1)[rows.sequences(row)]
    losses, beta = torch.stack([rows.loss(model, number) for number in numbers]), float(run["beta"])
    if run["objective"] in ("sft", "pretraining"):
        return losses.sum()
    gains = torch.stack(rows.before[rows.sequences(row)]) - losses if rows.before else -losses
    if run["objective"] == "kto":  # Ethayarajh et al. 2024, equation 7
        sign, weight = (1, run["desirable_weight"]) if rows.good[row] else (-1, run["undesirable_weight"])
        return torch.mul(1 - torch.sigmoid(beta * sign * (gains[0] - z0)), weight)
    if run["objective"] == "dpo":  # Rafailov et al. 2023, equation 7
        return less_wrong(beta * (gains[0] - gains[1]))
    # By the mean token, so that what is short is not preferred for that.
    counts = torch.tensor([rows.learned(number) for number in numbers], device=losses.device)
    better, worse = (gains / counts).unbind()
    if run["objective"] == "ipo":  # Azar et al. 2023, equation 17
        return torch.square(better - worse - 1 / (2 * beta))
    if run["objective"] == "simpo":  # Meng et al. 2024, equation 6
        return less_wrong(beta * (better - worse) - run["simpo_gamma"])
    # ORPO (Hong et al. 2024, equations 6 and 7): the odds of an answer are p / (1 - p).
    rests = [torch.log(-torch.expm1(log.clamp(max=-1e-7))) for log in (better, worse)]
    return -better + beta * less_wrong(better - worse - (rests[0] - rests[1]))


def mean_loss(run: dict[str, Any], model: Any, rows: Rows, numbers: Sequence[int], learn: Learn | None = None) -> float:
    """Returns the loss of some rows: the mean over their learned tokens, or over rows where answers are compared.

    Each row's share of it is given to `learn`, which adds to the gradient; without it nothing is learned.
    """
    share = len(numbers)
    if run["objective"] in ("sft", "pretraining"):
        share = sum(rows.learned(number) for number in numbers)
    z0, total = drift(model, rows.mismatched, numbers), 0.0
    for number in numbers:
        with torch.set_grad_enabled(learn is not None):
            loss = row_loss(run, model, rows, number, z0) / share
        if learn is not None:
            learn(loss)
        total += float(loss.detach())
    return total


def apart(one: float, other: float) -> float:
    """Returns the relative difference of a number from the run's own."""
    return abs(one - other) / max(abs(other), 1e-12)


def tell(what: str, here: float, there: float) -> float:
    """Prints a loss beside the run's own, and returns their relative difference."""
    print(f"{what} {here:.7f}, in the run {there:.7f}, apart by {apart(here, there):.1e}", flush=True)
    return apart(here, there)


def train(run: dict[str, Any], model: Any, rows: Rows, held: Rows | None) -> None:
    """Takes every step, tells how far each comes from the run's own, and saves the result; `held` are evaluated."""
    optimizer, trained = make_optimizer(run, model), [p for p in model.parameters() if p.requires_grad]
    half = model.device.type == "cuda" and rows.dtype == torch.float16
    scaler = torch.amp.GradScaler(model.device.type, enabled=half)  # small gradients would else vanish in float16
    scores, worst, worst_norm = dict(run["evaluations"]), 0.0, 0.0

    def evaluate(at: int) -> None:
        if held is not None and at in scores:
            model.eval()
            every = range((len(held.offsets) - 1) // held.answers)
            tell(f"Step {at}: evaluation", mean_loss(run, model, held, every), scores[at])
        model.train()

    evaluate(0)
    steps = (HERE / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    for step in map(json.loads, steps):
        torch.manual_seed(run["trainer"]["seed"] + step["step"])
        loss = mean_loss(run, model, rows, step["rows"], lambda part: scaler.scale(part).backward())
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(trained, run["trainer"]["max_grad_norm"] or math.inf)
        for group in optimizer.param_groups:
            group["lr"] = step["learning_rate"] * group["ratio"]  # what the schedule came to
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        worst = max(worst, tell(f"Step {step['step']} of {len(steps)}: loss", loss, step["loss"]))
        worst_norm = max(worst_norm, apart(float(norm), step["grad_norm"]))
        evaluate(step["step"])
        if step["step"] == run["result_step"]:
            # The embedding is the base's own, even where it has an adapter.
            options = {} if run["adapter"] is None else {"save_embedding_layers": False}
            model.save_pretrained(HERE / "result", **options)
    print(f"Largest relative difference: of a loss {worst:.1e}, of a gradient's norm {worst_norm:.1e}.")
    if run["noise"]:
        drawn = [mean_loss(run, model, rows, step["rows"]) for _ in range(DRAWS)]
        far = apart(max(drawn), min(drawn))
        print(f"Noise is drawn anew. Drawn {DRAWS} times, it alone moves the last step's loss by {far:.1e}.")
    print(f"What step {run['result_step']} came to lies in {HERE / 'result'}.")


def main() -> None:
    """Reads what there is and trains."""
    run: dict[str, Any] = json.loads((HERE / "run.json").read_text(encoding="utf-8"))
    options = argparse.ArgumentParser(description=f"Trains {run['name']} once more; README.md says what that is.")
    options.add_argument("--model", default=run["base"]["path"], help="the base model: its folder, or its id")
    where = options.parse_args().model
    if where == run["base"]["path"] and not run["base"]["hub"] and not Path(where).is_dir():
        options.error(f"the base, {where}, is not to be had by its id: name its folder with --model (see README.md)")
    if Path(where).is_dir() and not (Path(where) / "config.json").is_file():
        options.error(f"{where} is no model's folder: it holds no config.json")
    if Path(where).is_dir() and fingerprint(Path(where)) != run["base"]["fingerprint"]:
        print(f"The weights in {where} are not those of the run: what comes of them will differ.")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    stored = load_file(HERE / "rows.safetensors")
    parts = [Rows(run, stored, name, device) for name in run["parts"]]
    model = adapted(run, load_base(run, where, device))
    if run["recompute"]:
        model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    if run["neftune_noise_alpha"]:
        add_noise(model, run["neftune_noise_alpha"])
    if run["reference"]:
        for rows in parts:
            look_up(run, model, rows)
    train(run, model, parts[0], parts[1] if len(parts) > 1 else None)


if __name__ == "__main__":
    main()
