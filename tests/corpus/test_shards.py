"""Several ranks on one store, each with its share."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from example_corpus import compute, contents, make

from mlx_voice.corpus.dataset import store_of
from mlx_voice.corpus.items import Item, read_listing
from mlx_voice.corpus.shards import Share
from mlx_voice.corpus.status import status


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_clip_belongs_to_one_rank() -> None:
    items = [Item(f"clip{i}", Path("x.wav"), "text") for i in range(1000)]
    shares = [Share(rank, 3).of(items) for rank in range(3)]
    assert sorted(item.id for share in shares for item in share) == sorted(item.id for item in items)
    assert all(280 < len(share) < 390 for share in shares)


@pytest.mark.timeout(600)
def test_two_local_ranks_fill_one_store(tmp_path: Path, tiny_model: Path) -> None:
    whole, folder = make(tmp_path / "whole", 8), make(tmp_path / "shared", 8)
    compute(whole, tiny_model)
    launch = [str(Path(sys.executable).with_name("mlx.launch")), "-n", "2", "--backend", "ring"]
    verb = ["corpus", "precompute", str(folder), "--model", str(tiny_model), "--workers", "0"]
    command = [*launch, "-p", str(free_port()), "--", sys.executable, "-m", "mlx_voice", *verb]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    shares = [len(Share(rank, 2).of(read_listing(folder).items)) for rank in (0, 1)]
    told = sorted(int(line.split()[0]) for line in done.stdout.splitlines() if "clips computed" in line)
    assert told == sorted(shares)
    assert contents(folder) == contents(whole)
    assert not list((folder / ".feature_cache").rglob("rank-*.json"))
    metadata = [(f / ".feature_cache/metadata.json").read_bytes() for f in (folder, whole)]
    assert metadata[0] == metadata[1]
    for path in (folder / ".feature_cache/local").glob("index-1.sqlite*"):
        path.unlink()
    assert status(read_listing(folder), store_of(folder)).complete  # rank 0 knows all
