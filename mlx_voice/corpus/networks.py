"""What needs a network: codes, spectra, BERT, durations of the content encoder. In the engine's thread.

A clip's features are a function of the clip alone: batches have one fixed shape for each length bucket,
in which a row does not feel its neighbours, so that it never matters in whose company it was computed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.audio.spectrum import log_mel, spectrogram
from mlx_voice.corpus.form import MELS, Form, chosen
from mlx_voice.corpus.workers import Ready
from mlx_voice.device import mx
from mlx_voice.errors import AudioError, ModelError
from mlx_voice.generate.features import joined, text_features
from mlx_voice.models.hubert import HuBERT

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.nn.weights import Array

BUCKET = 1.0  # seconds
ON_GPU = 16  # clips at a time; on a CPU company brings nothing


def form_of(
    model: "Model",
    names: Sequence[str] | None = None,
    variance: bool = True,
    aligned: bool = False,
    longest: float = 60.0,
    compressed: bool = False,
) -> Form:
    config = model.config
    if config.reference is None or config.content is None:
        raise ModelError(f"The model {model.name!r} cannot hear clips: convert it with --hubert.")
    bert = "bert" in config.networks
    spec, content = config.reference, config.content
    return Form(
        features=chosen(names, variance, bert),
        symbols=config.symbols,
        sample_rate=spec.sample_rate,
        n_fft=spec.n_fft,
        hop=spec.hop,
        bins=spec.bins,
        content=model.encoder_id,
        content_rate=content.sample_rate,
        content_tail=content.tail_seconds,
        aligner="alignments" if aligned else "energy" if content.kind == "hubert" else "content",
        bert=model.part_hash("bert")[:16] if bert else "",
        bert_width=int(config.networks["bert"]["width"]) if bert else 0,
        dtype=model.dtype,
        longest=longest,
        compressed=compressed,
    )


def default_batch() -> int:
    return ON_GPU if mx.default_device() == mx.gpu else 1


def bucket(ready: Ready, form: Form) -> int:
    """The length that a clip is computed at, in samples of the content encoder."""
    size = round(BUCKET * form.content_rate)
    return -(-len(ready.heard) // size) * size


class Networks:
    """A model's networks for one form; `batch` clips of one bucket at a time."""

    def __init__(self, model: "Model", form: Form, batch: int = 1) -> None:
        self.model, self.form, self.batch = model, form, batch

    def features(self, clips: Sequence[Ready]) -> "list[dict[str, Array] | AudioError]":
        """All features of each clip, or why it has none; the clips are of one bucket, `batch` at most."""
        try:
            return [self._all(clip, heard) for clip, heard in zip(clips, self._heard(clips), strict=True)]
        finally:
            mx.clear_cache()  # the next clips have other lengths, which these buffers would seldom fit

    def _all(self, clip: Ready, heard: mx.array | None) -> "dict[str, Array] | AudioError":
        form, arrays = self.form, dict(clip.arrays)
        if heard is not None and "codes" in form.features:
            arrays["codes"] = np.array(self.model.sovits.codes(heard)[0]).astype(np.int32)
        if {"spectrogram", "mel"} & set(form.features):
            magnitudes = spectrogram(clip.wave, form.n_fft, form.hop)
            arrays["spectrogram"] = np.array(magnitudes[:, : form.bins].astype(mx.float16))
            arrays["mel"] = np.array(log_mel(magnitudes, form.sample_rate, MELS).astype(mx.float16))
        if "bert" in form.features:
            arrays["bert"] = self._bert(clip)
        if heard is not None and self._aligns(clip):
            try:
                arrays["durations"] = self._durations(clip, heard)
            except AudioError as error:
                return error
        lengths = [len(arrays["energy"]), len(arrays.get("codes", ())), len(arrays["phones"])]
        arrays["lengths"] = np.array(lengths, np.int32)
        return {name: arrays[name] for name in form.features}

    def _aligns(self, clip: Ready) -> bool:
        """Whether the content encoder is to find the durations of phones."""
        return "durations" in self.form.features and "durations" not in clip.arrays

    def _heard(self, clips: Sequence[Ready]) -> Sequence[mx.array | None]:
        """The content encoder's features of each clip [1, frames, width], where something is made of them."""
        if "codes" not in self.form.features and not any(map(self._aligns, clips)):
            return [None] * len(clips)
        content = self.model.content
        if self.batch == 1 or not isinstance(content, HuBERT):  # only HuBERT knows rows of their own length
            return [content(mx.array(clip.heard)[None]) for clip in clips]
        samples = bucket(clips[0], self.form)
        rows = np.zeros((self.batch, samples), np.float32)
        lengths = [samples] * self.batch
        for i, clip in enumerate(clips):
            rows[i, : len(clip.heard)], lengths[i] = clip.heard, len(clip.heard)
        features = content(mx.array(rows), lengths=lengths)
        return [features[i : i + 1, : content.config.frames(n)] for i, n in enumerate(lengths[: len(clips)])]

    def _bert(self, clip: Ready) -> "Array":
        found = joined(text_features(self.model, clip.sentences), [len(s.ids) for s in clip.sentences])
        if found is None:
            return np.zeros((0, self.form.bert_width), np.float16)
        return np.array(found.astype(mx.float16))

    def _durations(self, clip: Ready, heard: mx.array) -> "Array":
        """Codes' durations in the spectrogram's frames; the tail of silence is not part of the clip."""
        phones, frames = clip.arrays["phones"].tolist(), len(clip.arrays["energy"])
        tail = round(self.form.content_tail * self.form.content_rate)
        spoken = round(heard.shape[1] * (1 - tail / len(clip.heard)))
        lasting = self.model.content.aligned(heard[:, :spoken], phones)
        edges = np.concatenate([[0], np.cumsum(lasting)]) * (frames / max(1, lasting.sum()))
        whole: Array = np.diff(np.rint(edges)).astype(np.int32)
        return whole
