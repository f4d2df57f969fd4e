"""What several processes know of one store, and who works on what."""

from contextlib import closing
from pathlib import Path

import pytest

from mlx_voice.corpus.index import Index, Row
from mlx_voice.errors import StorageError


def test_claims_are_exclusive_until_they_are_let_go(tmp_path: Path) -> None:
    with closing(Index(tmp_path)) as one, closing(Index(tmp_path)) as other:
        assert one.claim(["a", "b"]) == {"a", "b"}
        assert one.claim(["a"]) == {"a"}
        assert other.claim(["b", "c"]) == {"c"}
        assert not one.alone
        one.release(["b", "c"])  # c is not its own
        assert other.claim(["b"]) == {"b"}
        assert one.claim(["c"]) == set()
        one.put([Row("a", "stamp", "content", "config", "name", 3)])
        assert other.claim(["a"]) == {"a"}
        assert other.row("a") == Row("a", "stamp", "content", "config", "name", 3)
    with closing(Index(tmp_path)) as third:
        assert third.alone
        assert third.claim(["a", "b", "c"]) == {"a", "b", "c"}


def test_an_index_that_cannot_be_written(tmp_path: Path) -> None:
    with closing(Index(tmp_path)) as index:
        index._db.execute("PRAGMA query_only = ON")
        for change in (lambda: index.claim(["a"]), lambda: index.forget(["a"])):
            with pytest.raises(StorageError, match="cannot be written"):
                change()
        index._db.execute("PRAGMA query_only = OFF")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be opened"):
        Index(tmp_path / "file")
