"""Languages, one row each, and the names a caller may ask for."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from mlx_voice.errors import TextError
from mlx_voice.text.reading import Reader


@dataclass(frozen=True)
class Language:
    title: str
    module: str  # has `read`, and imports its packages when it is imported
    extra: str | None = None  # of this package; None is in the core install
    symbols: tuple[str, ...] = ("v1", "v2")  # tables that hold its phones


LANGUAGES = {
    "zh": Language("Chinese", "mlx_voice.text.zh"),
    "en": Language("English", "mlx_voice.text.en"),
    "ja": Language("Japanese", "mlx_voice.text.ja", "ja"),
    "ko": Language("Korean", "mlx_voice.text.ko", symbols=("v2",)),
    "yue": Language("Cantonese", "mlx_voice.text.yue", "yue", ("v2",)),
}


@cache
def reader(name: str, symbols: str) -> Reader:
    """The `read` of a language, imported on first use."""
    language = LANGUAGES[name]
    if symbols not in language.symbols:
        raise TextError(f"A {symbols} model cannot speak {language.title}: choose a v2 model.")
    try:
        module = import_module(language.module)
    except ModuleNotFoundError as error:
        if language.extra is None or (error.name or "").startswith("mlx_voice"):
            raise
        raise TextError(
            f'Reading {language.title} needs one more package: pip install "mlx-voice[{language.extra}]".'
        ) from error
    read: Reader = module.read
    return read
