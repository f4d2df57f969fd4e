"""Several ranks on one store, each with its share."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from example_corpus import compute, contents, make

from mlx_voice.corpus import shards
from mlx_voice.corpus.dataset import store_of
from mlx_voice.corpus.index import Index, Row
from mlx_voice.corpus.items import Item, read_listing
from mlx_voice.corpus.shards import Share, alive, merge
from mlx_voice.corpus.status import status
from mlx_voice.errors import CorpusError


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
    left = folder / ".feature_cache/journal/.rank-1.json.0123abcd.part"  # by a rank that was killed
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    launch = [str(Path(sys.executable).with_name("mlx.launch")), "-n", "2", "--backend", "ring"]
    verb = ["corpus", "precompute", str(folder), "--model", str(tiny_model), "--workers", "0"]
    command = [*launch, "-p", str(free_port()), "--", sys.executable, "-m", "mlx_voice", *verb]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    shares = [len(Share(rank, 2).of(read_listing(folder).items)) for rank in (0, 1)]
    told = sorted(int(line.split()[0]) for line in done.stdout.splitlines() if "clips computed" in line)
    assert told == sorted(shares)
    assert contents(folder) == contents(whole)
    assert not list((folder / ".feature_cache/journal").iterdir())
    metadata = [(f / ".feature_cache/metadata.json").read_bytes() for f in (folder, whole)]
    assert metadata[0] == metadata[1]
    for path in (folder / ".feature_cache/local").glob("index-1.sqlite*"):
        path.unlink()
    assert status(read_listing(folder), store_of(folder)).complete  # rank 0 knows all


@pytest.mark.timeout(600)
def test_a_rank_that_is_gone_is_not_waited_for(
    tmp_path: Path, tiny_model: Path, count: Callable[[int, int], int]
) -> None:
    """Killed, or silent as a machine without power; rank 0 says so, another run does the rest."""
    for how in (signal.SIGKILL, signal.SIGSTOP)[: count(1, 2)]:
        folder = make(tmp_path / how.name, 8)
        ranks = two_ranks(folder, tiny_model)
        journal = folder / ".feature_cache/journal/rank-1.json"
        while not journal.exists() and ranks[1].poll() is None:
            time.sleep(0.002)
        ranks[1].send_signal(how)
        _, err = ranks[0].communicate(timeout=200)
        ranks[1].kill()
        ranks[1].communicate()
        assert ranks[0].returncode == 1
        assert "Rank 1 has given no sign of life for 8 s" in err
        assert "Traceback" not in err
        table, run = compute(folder, tiny_model)
        assert table["complete"]
        assert run.progress.stored >= 1


def two_ranks(folder: Path, model: Path) -> list[subprocess.Popen[str]]:
    """As a launcher starts them, but with nobody who ends one when the other has ended; less patient."""
    hosts = folder / "hosts.json"
    hosts.write_text(json.dumps([[f"127.0.0.1:{free_port()}"] for _ in range(2)]))
    script = (
        "from mlx_voice.cli import main; from mlx_voice.corpus import shards;"
        "shards.PATIENCE, shards.BEAT = 8.0, 0.2;"
        f"main(['corpus', 'precompute', {str(folder)!r}, '--model', {str(model)!r}, '--workers', '0'])"
    )
    return [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=os.environ | {"MLX_RANK": str(rank), "MLX_HOSTFILE": str(hosts)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]


def test_a_slow_rank_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "BEAT", 0.02)
    monkeypatch.setattr(shards, "PATIENCE", 2.0)
    monkeypatch.setattr(shards, "POLL", 0.01)
    store, row = store_of(tmp_path), Row("a", "stamp", "content", "config", "name", 3)
    with (
        closing(Index(tmp_path / "0")) as first,
        closing(Index(tmp_path / "1")) as second,
        ThreadPoolExecutor() as pool,
    ):
        with alive(Share(1, 2), store):
            merging = pool.submit(merge, Share(0, 2), store, first, ())
            time.sleep(3)
            assert not merging.done()
        store.place.write("journal/rank-1.json", b'{"rows": [')  # as a store that is not atomic may show it
        merge(Share(1, 2), store, second, [row])
        merging.result(10)
        assert first.row("a") == row
        with pytest.raises(CorpusError, match="Rank 1 has given no sign of life"):
            merge(Share(0, 2), store, first, ())
