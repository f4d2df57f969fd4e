"""Stage 1b: `python -m recipes.mini.codes`. The codes of all cached speech by the trained content encoder."""

import numpy as np
import torch

from recipes.mini import training
from recipes.mini.content import Stage
from recipes.mini.corpus import Corpus
from recipes.mini.data import CACHE


def stage() -> Stage:
    state = training.weights("content")
    found = Stage(len(state["speaker.weight"]))
    found.load_state_dict(state)
    return found.eval()


def main() -> None:
    torch.set_num_threads(1)
    content = stage()
    for split in (name for name in ("valid", "shipped", "train") if (CACHE / name).exists()):
        corpus = Corpus(split)
        with torch.no_grad():
            rows = [
                content.codes(torch.as_tensor(corpus.mel(i))[None])[0].numpy()
                for i in range(len(corpus.rows))
            ]
        codes = np.concatenate(rows).astype(np.int16)
        new = CACHE / split / "codes.new"
        codes.tofile(new)
        new.replace(CACHE / split / "codes.i16")  # who reads the old ones goes on with them
        print(f"{split}: {len(codes)} codes, {len(np.unique(codes))} of them different")


if __name__ == "__main__":
    main()
