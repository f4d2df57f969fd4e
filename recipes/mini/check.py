"""`python -m recipes.mini.check [FOLDER]`: the exported networks in MLX answer as the trained ones.

Prints the largest difference of each, relative to the largest value; fails over 2 percent.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from mlx_voice.checkpoints import open_model
from mlx_voice.device import mx
from mlx_voice.generate.kv import KVCache
from mlx_voice.models.t2s import prefill_mask
from recipes.mini import codes, examples, networks, polish, sharpen, sound, training
from recipes.mini.export import ASSETS, NOISE, louder, with_stand_ins


def main(folder: Path) -> None:
    model = open_model(folder, dtype="float32")
    rng = np.random.default_rng(0)
    wave = rng.normal(0, 0.1, 32000).astype(np.float32)
    phones, numbers = rng.integers(1, 322, 30), rng.integers(0, networks.CODES, 25)
    stage, trained, generator = codes.stage(), polish.trained(), sharpen.generator(NOISE)
    t2s, duration = networks.T2S(networks.T2SSizes()).eval(), networks.Duration().eval()
    for name, module in (("t2s", t2s), ("durations", duration)):
        module.load_state_dict(training.weights(name))
    for table in (
        t2s.ar_text_embedding.word_embeddings,
        trained.sovits.enc_p.text_embedding,
        duration.embedding,
    ):
        table.weight.data = with_stand_ins(table.weight.data)
    generator.conv_post.weight.data *= louder()
    net = trained.sovits
    net.ref_enc.spectral[0].fc.weight.data[:, 513:] = 0
    pairs = {}
    with torch.no_grad():
        mel = torch.as_tensor((sound.log_mel(wave) - sound.MEAN) / sound.SCALE)[None]
        features = stage.content(mel)
        mine = model.content(mx.array(wave)[None])
        pairs["content"] = features, mine
        pairs["codes"] = stage.codes(mel), model.sovits.codes(mine)
        ids, said = torch.as_tensor(phones)[None], torch.as_tensor(numbers)[None]
        pairs["duration"] = duration(ids).exp(), model.duration(mx.array(phones)[None])
        x = [model.t2s.embed_text(mx.array(phones)[None]), model.t2s.embed_codes(mx.array(numbers)[None])]
        mask = prefill_mask(mx.array([0]), mx.array([30]), 55)
        logits = model.t2s.logits(model.t2s(mx.concatenate(x, axis=1), KVCache(), mask))[:, 30:]
        pairs["t2s"] = t2s(ids, said), logits
        spec = examples.reference(wave)[None]
        ge, mine = net.ref_enc(torch.as_tensor(spec)), model.sovits.condition(mx.array(spec))
        pairs["style"] = ge[:, :, 0], mine[:, 0]
        y = trained.embed[said].transpose(1, 2).repeat_interleave(2, 2)
        ones = torch.ones(1, 1, 50)
        _, mean, deviation, _ = net.enc_p(y, ones, ids, torch.ones(1, 1, 30), ge)
        made = model.sovits.encode(mx.array(numbers)[None], mx.array(phones)[None], mine)
        pairs["mean"] = mean.transpose(1, 2), made.m_p
        pairs["deviation"] = deviation.transpose(1, 2), made.logs_p
        z = net.flow(mean, ones, ge, reverse=True)
        latent = model.sovits.flow(made.m_p, mine)
        pairs["flow"] = z.transpose(1, 2), latent
        pairs["inverse"] = net.flow(z, ones, ge).transpose(1, 2), model.sovits.flow.inverse(latent, mine)
        pairs["generator"] = generator(z), model.sovits.generator(latent, mine).reshape(1, -1)
    worst = 0.0
    for name, (theirs, ours) in pairs.items():
        theirs, ours = theirs.numpy(), np.array(ours)
        off = (theirs != ours).mean() if name == "codes" else np.ptp(theirs - ours) / np.ptp(theirs)
        worst = max(worst, off)
        print(f"{name:10} {off:.5f}")
    sys.exit(int(worst > 0.02))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
