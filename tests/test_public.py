"""The public names, and what importing them costs."""

import resource
import subprocess
import sys

import mlx_voice

HEAVY = {"mlx", "numpy", "soundfile", "soxr", "huggingface_hub", "tokenizers", "transformers", "rich"}
HELP = "from mlx_voice.cli import main\ntry: main(['speak', '--help'])\nexcept SystemExit: pass"


def loaded(code: str) -> set[str]:
    """The modules that are there after `code`, in a process of its own."""
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_public_names() -> None:
    assert sorted(mlx_voice.__all__) == [
        "Audio", "CacheOptions", "Corpus", "Recording", "SamplingOptions", "SpeakOptions", "Stats",
        "StreamOptions", "Voice", "VoiceCloner", "VoiceError", "__version__",
    ]  # fmt: skip
    assert all(getattr(mlx_voice, name) is not None for name in mlx_voice.__all__)
    assert dir(mlx_voice) == sorted(mlx_voice.__all__)


def test_importing_is_free() -> None:
    assert not loaded("import mlx_voice") & {*HEAVY, "typer"}
    assert not loaded("from mlx_voice import VoiceError, SpeakOptions") & {*HEAVY, "typer"}


def test_help_loads_nothing_heavy() -> None:
    assert not loaded("import mlx_voice.cli") & HEAVY
    assert not loaded(HELP) & HEAVY


def seconds(*command: str) -> float:
    """Of the processor: what else runs on the machine does not count. The best of some."""
    spent = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


def test_importing_is_quick() -> None:
    assert seconds("-c", "import mlx_voice") - seconds("-c", "pass") < 0.1
    assert seconds("-m", "mlx_voice", "--help") < 0.4
