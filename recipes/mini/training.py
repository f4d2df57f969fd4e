"""One loop for every stage: resumable (weights, optimiser, seconds, random state), logged as JSON lines.

The schedule runs on seconds of training, not on steps: `--minutes` is the length of the whole stage, on a CPU
in the processor time of one core, so that a process may be held up or stopped at no loss. With
WORLD_SIZE, RANK, MASTER_ADDR and MASTER_PORT set, as many processes of one thread share the work of a stage.
"""

import argparse
import json
import math
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import distributed, nn

WORLD, RANK = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
RUNS = Path(os.environ.get("MINI_RUNS", ".work/mini-runs"))


def arguments(stage: str, minutes: float, batch: int, rate: float, **own: float) -> argparse.Namespace:
    """`own` are a stage's own options, with their usual values."""
    parser = argparse.ArgumentParser(prog=f"recipes.mini.{stage}")
    parser.add_argument(
        "--minutes", type=float, default=minutes, help="length of the whole stage, earlier runs included"
    )
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument(
        "--restart", action="store_true", help="the schedule begins anew, from the weights of earlier runs"
    )
    for name, usual in own.items():
        parser.add_argument(f"--{name}", type=type(usual), default=usual)
    args = parser.parse_args()
    args.stage = stage
    torch.set_num_threads(1 if args.device == "cpu" else 4)
    torch.set_default_device(args.device)
    torch.manual_seed(args.seed)
    if WORLD > 1:
        distributed.init_process_group("gloo")
    return args


def averaged(model: nn.Module, seconds: float) -> float:
    """Every process gets the mean of all gradients, and the first one's clock."""
    if WORLD == 1:
        return seconds
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    clock = torch.tensor([seconds * WORLD if RANK == 0 else 0.0])
    flat = torch.cat([grad.flatten() for grad in grads] + [clock])
    distributed.all_reduce(flat)
    flat /= WORLD
    for grad, mean in zip(grads, flat[:-1].split([g.numel() for g in grads]), strict=True):
        grad.copy_(mean.view_as(grad))
    return float(flat[-1])


def train(
    args: argparse.Namespace,
    model: nn.Module,
    loss: Callable[[random.Random], tuple[torch.Tensor, dict[str, float]]],
    evaluate: Callable[[], dict[str, float]],
    every: float = 120,
) -> None:
    folder = RUNS / args.stage
    folder.mkdir(parents=True, exist_ok=True)
    state_path = folder / "state.pt"
    optimiser = torch.optim.AdamW(model.parameters(), args.rate, betas=(0.9, 0.98), weight_decay=0.01)
    rng, seconds, step = random.Random(args.seed), 0.0, 0
    if state_path.exists():
        state = torch.load(state_path, weights_only=False, map_location=args.device)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        seconds, step = 0.0 if args.restart else state["seconds"], state["step"]
        rng.setstate(state["random"])
        torch.set_rng_state(state["torch"].cpu())
    if RANK:  # other draws than the first process's
        rng.seed(f"{args.seed} {RANK} {step}")
        torch.manual_seed(args.seed + 1000 * RANK + step)
    log = (folder / "log.jsonl").open("a")

    def save() -> None:
        state = {
            "model": model.state_dict(), "optimiser": optimiser.state_dict(), "seconds": seconds,
            "step": step, "random": rng.getstate(), "torch": torch.get_rng_state(),
        }  # fmt: skip
        torch.save(state, state_path.with_suffix(".new"))
        state_path.with_suffix(".new").replace(state_path)

    means: dict[str, list[float]] = {}
    clock = time.process_time if args.device == "cpu" else time.monotonic
    noted, began = seconds, clock() - seconds
    while seconds < args.minutes * 60:
        progress = seconds / (args.minutes * 60)
        rate = args.rate * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(args.device, torch.bfloat16):
            value, parts = loss(rng)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        seconds = averaged(model, clock() - began)
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        step += 1
        for name, part in (parts | {"norm": float(norm)}).items():
            means.setdefault(name, []).append(part)
        if RANK == 0 and (seconds - noted > every or seconds >= args.minutes * 60):
            noted = seconds
            model.eval()
            with torch.no_grad():
                judged = evaluate()
            model.train()
            row = {"step": step, "seconds": round(seconds), "rate": rate}
            row |= {name: round(float(np.mean(values)), 4) for name, values in means.items()}
            log.write(json.dumps(row | {f"valid {k}": round(v, 4) for k, v in judged.items()}) + "\n")
            log.flush()
            means.clear()
            save()


def weights(stage: str) -> dict[str, torch.Tensor]:
    return torch.load(RUNS / stage / "state.pt", weights_only=False, map_location="cpu")["model"]
