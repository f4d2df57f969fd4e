"""`pull` with a hub of our own: what is fetched, what is converted, and what is said when it cannot be."""

import errno
import shutil
import time
from pathlib import Path

import hostile_files
import official_files
import pytest

from mlx_voice.checkpoints import hub, open_model, versions
from mlx_voice.checkpoints.versions import Version
from mlx_voice.errors import InputError, NetworkError, StorageError

FILES = {"t2s": "gpt/a.ckpt", "hubert": "chinese-hubert-base/"}


class Hub:
    """Stands for huggingface_hub: files in a folder, fetched into a cache."""

    def __init__(self, folder: Path) -> None:
        self.remote, self.cache = folder / "remote", folder / "cache"
        self.fetched: list[str] = []
        self.fails: Exception | None = None
        (self.remote / "gpt").mkdir(parents=True)
        (self.remote / "gpt" / "a.ckpt").write_bytes(hostile_files.sound())
        made = official_files.tiny(folder, "hubert")["hubert"]
        made.rename(self.remote / "chinese-hubert-base")

    def try_to_load_from_cache(self, repository: str, file: str) -> str | None:
        assert repository == "lj1995/GPT-SoVITS"
        return str(self.cache / file) if (self.cache / file).exists() else None

    def hf_hub_download(self, repository: str, file: str, local_files_only: bool) -> str:
        assert repository == "lj1995/GPT-SoVITS"
        if not local_files_only:
            if self.fails:
                raise self.fails
            self.fetched.append(file)
            (self.cache / file).parent.mkdir(parents=True, exist_ok=True)
            blob = self.cache / f"blob-{len(self.fetched)}"
            blob.write_bytes((self.remote / file).read_bytes())
            (self.cache / file).symlink_to(blob)  # as the hub's cache does
        return str(self.cache / file)


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub(tmp_path / "hub")
    for name in ("try_to_load_from_cache", "hf_hub_download"):
        monkeypatch.setattr(f"huggingface_hub.{name}", getattr(made, name))
    monkeypatch.setitem(versions.BY_NAME, "v2", Version("v2", "v2", 732, 57, FILES))
    monkeypatch.setattr(hub, "_demand_network", lambda: None)
    return made


def test_pull_fetches_and_converts(remote: Hub, own_home: Path) -> None:
    assert hub.pull("v2") == own_home / "models" / "v2"
    assert sorted(remote.fetched) == [
        "chinese-hubert-base/config.json", "chinese-hubert-base/pytorch_model.bin", "gpt/a.ckpt",
    ]  # fmt: skip
    model = open_model("v2")
    assert model.t2s is not None and model.content is not None
    hub.pull("v2", name="other", dtype="float32", quantize=8)
    assert len(remote.fetched) == 3  # all of it was here
    assert open_model("other").config.quantization["t2s"].bits == 8


def test_a_damaged_official_model_is_made_again_as_it_was(remote: Hub) -> None:
    folder = hub.pull("v2", quantize=4)
    for lost in (False, True):
        (folder / "t2s.safetensors").write_bytes(b"")
        if lost:
            shutil.rmtree(remote.cache)
        assert open_model("v2").config.quantization["t2s"].bits == 4
        assert len(remote.fetched) == (6 if lost else 3)


def test_a_missing_official_model_is_pulled_when_it_is_opened(
    remote: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_model("v2").name == "v2"
    assert remote.fetched
    assert caplog.messages[0] == "the model v2 is not installed yet: it is downloaded and converted now"


@pytest.mark.parametrize("error", [ConnectionError("reset"), RuntimeError("503\nmore")])
def test_a_download_that_breaks_off(remote: Hub, own_home: Path, error: Exception) -> None:
    remote.fails = error
    with pytest.raises(NetworkError, match="try again, it goes on from here") as caught:
        hub.pull("v2")
    assert "\n" not in str(caught.value)
    assert not own_home.exists()
    remote.fails = None
    assert hub.pull("v2").is_dir()


def test_a_disk_full_of_downloads(remote: Hub) -> None:
    remote.fails = OSError(errno.ENOSPC, "No space left on device", "/cache/x")
    with pytest.raises(StorageError, match="/cache/x cannot be written: No space left"):
        hub.pull("v2")


@pytest.mark.parametrize(("name", "words"), [("v3", "not supported yet"), ("v9", "no official version 'v9'")])
def test_versions_that_are_not_there(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        hub.pull(name)


def test_the_real_table_names_every_file() -> None:
    for version in versions.VERSIONS:
        needed = {"t2s", "sovits", "hubert", "bert"} | ({"speaker"} if version.speaker else set())
        assert set(version.files) == needed
        assert all(name.endswith((".ckpt", ".pth", "/")) for name in version.files.values())


def hang(*_: object, **__: object) -> None:
    time.sleep(12)
    raise TimeoutError("as a resolver gives up")


def refuse(*_: object, **__: object) -> None:
    raise OSError("name or service not known")


@pytest.mark.parametrize("fault", [hang, refuse])
def test_without_a_network(monkeypatch: pytest.MonkeyPatch, own_home: Path, fault: object) -> None:
    """Said at once, even where looking up a name hangs."""
    assert hub.PATIENCE < 9  # of the ten seconds that it may take
    monkeypatch.setattr(hub, "PATIENCE", 0.3)
    monkeypatch.setattr(hub.socket, "create_connection", fault)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    start = time.monotonic()
    with pytest.raises(NetworkError, match="cannot be reached"):
        hub.pull("v2")
    assert time.monotonic() - start < 9
    assert not own_home.exists()


@pytest.mark.parametrize(("endpoint", "proxy", "address"), [
    ("https://huggingface.co", "", ("huggingface.co", 443)),
    ("http://mirror:8080", "", ("mirror", 8080)),
    ("https://huggingface.co", "http://proxy:3128", ("proxy", 3128)),
    ("https://huggingface.co", "proxy:3128", ("proxy", 3128)),
])  # fmt: skip
def test_whom_to_ask(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, proxy: str, address: tuple[str, int]
) -> None:
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": proxy} if proxy else {})
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda _: False)
    assert hub._address(endpoint) == address
