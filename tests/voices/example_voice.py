"""A voice made of noise; run as a script, this adds such voices to a registry."""

import random
import sys
from hashlib import sha256
from pathlib import Path

from mlx_voice.voices.entry import Entry, Features, MelFile, Numbers
from mlx_voice.voices.registry import Registry

FRAMES = 3


def example(seed: int = 0, **changes: object) -> tuple[Entry, dict[str, bytes]]:
    draw = random.Random(seed)
    sizes = {"reference.wav": 1000, "mel.bin": 4 * 704 * FRAMES, "codes.bin": 4 * 254}
    files = {name: draw.randbytes(size) for name, size in sizes.items()}
    digest = {name: sha256(content).hexdigest() for name, content in files.items()}
    features = Features(
        digest["reference.wav"],
        {"704": MelFile("mel.bin", FRAMES, 32000, 2048, 640, digest["mel.bin"])},
        {"0123abcd": Numbers("codes.bin", 254, digest["codes.bin"])},
    )
    keys: dict[str, object] = {
        "ref_text": "今天天气很好。",
        "language": "zh",
        "ref_audio": "reference.wav",
        "mel_path": "mel.bin",
        "codes_path": "codes.bin",
        "features": features,
        "consent": "not a real person",
        **changes,
    }
    return Entry(**keys), files  # type: ignore[arg-type]


if __name__ == "__main__":
    for name in sys.argv[2:]:
        entry, files = example(len(name))
        Registry(Path(sys.argv[1])).add(name, entry, files, over=True)
