"""Stage 5: `python -m recipes.mini.polish`. The prior goes on against a critic.

Likelihood alone leaves what is drawn too smooth, and more so for voices that are seldom heard. The critic
learns to tell 1.3 s of true latent from drawn, knowing who speaks (by the ear of `speaker`); the prior learns
to please it, beside all that it learned before.
"""

import random

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from recipes.mini import examples, prior, speaker, training
from recipes.mini.corpus import Corpus

FRAMES = 64  # of 20 ms
WEIGHTS = prior.WEIGHTS | {"unlike": 0.5, "unreal": 0.1, "fooled": 1.0}
SHAPES = ((1, 32, 5, (2, 1)), (32, 64, 5, (2, 2)), (64, 96, 3, (2, 2)), (96, 96, 3, (2, 1)))


class Critic(nn.Module):
    """Latent [B, MELS, T], print [B, PRINT] -> how true it seems, place by place, and what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, size, stride, padding=size // 2) for a, b, size, stride in SHAPES
        )
        self.whose = nn.Linear(speaker.PRINT, SHAPES[-1][1])
        self.true = nn.Conv2d(SHAPES[-1][1], 1, 1)
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, 0.2)

    def forward(self, latent: torch.Tensor, who: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        x, seen = latent[:, None], []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            seen.append(x)
        owned = torch.einsum("bchw,bc->bhw", x, self.whose(who))[:, None]
        return self.true(x) + owned / x.shape[1] ** 0.5, seen


class Stage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.prior, self.critic = prior.Stage(), Critic()


def trained() -> prior.Stage:
    """The prior as it ships."""
    state, net = training.weights("polish"), prior.Stage().eval()
    net.load_state_dict({k.removeprefix("prior."): v for k, v in state.items() if k.startswith("prior.")})
    return net.requires_grad_(False)


def pieces(
    latents: tuple[torch.Tensor, ...], mask: torch.Tensor, rng: random.Random
) -> tuple[torch.Tensor, ...]:
    """The same FRAMES of each row of several latents."""
    starts = [rng.randint(0, max(0, int(row.sum()) - FRAMES)) for row in mask]
    return tuple(
        torch.stack([row[:, at : at + FRAMES] for row, at in zip(latent, starts, strict=True)])
        for latent in latents
    )


def main() -> None:
    args = training.arguments("polish", minutes=50, batch=10, rate=5e-4)
    corpus, held = Corpus("train"), Corpus("valid")
    stage = Stage()
    stage.prior.load_state_dict(training.weights("prior"))
    lesson = prior.Lesson(stage.prior)
    judge = speaker.stage(corpus).requires_grad_(False)

    def criticised(true: torch.Tensor, drawn: torch.Tensor, who: torch.Tensor) -> dict[str, torch.Tensor]:
        critic = stage.critic
        real, _ = critic(true, who)
        made, _ = critic(drawn.detach(), who)
        fixed = {name: value.detach() for name, value in critic.named_parameters()}
        seems, seen = torch.func.functional_call(critic, fixed, (drawn, who))
        _, meant = torch.func.functional_call(critic, fixed, (true, who))
        unlike = [(a - b).abs().mean() / b.abs().mean() for a, b in zip(seen, meant, strict=True)]
        return {
            "unlike": sum(unlike) / len(unlike),
            "unreal": -seems.float().mean(),
            "fooled": (F.relu(1 - real.float()) + F.relu(1 + made.float())).mean(),
        }

    def loss(rng: random.Random) -> tuple[torch.Tensor, dict[str, float]]:
        batch, told = examples.drawn(corpus, args.batch, rng)
        parts, drawn = lesson.parts(batch, told)
        true, drawn = pieces((batch[3], drawn), batch[4], rng)
        parts |= criticised(true, drawn, judge(batch[3], batch[4]))
        value = sum(WEIGHTS[name] * part for name, part in parts.items())
        return value, {name: part.item() for name, part in parts.items()}

    training.train(args, stage, loss, lambda: lesson.judged(held), every=120)


if __name__ == "__main__":
    main()
