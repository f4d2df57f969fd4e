"""What BERT knows of a text, one row per phone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlx_voice.device import mx
from mlx_voice.generate.kv import bucket

if TYPE_CHECKING:
    from mlx_voice.checkpoints import Model
    from mlx_voice.text import Sentence, Span

LANGUAGE = "zh"  # the only one that the models were trained to hear with features; others get zeros


def text_features(model: "Model", sentences: Sequence["Sentence"]) -> list[mx.array | None]:
    """[phones, width] for each sentence, read as one batch; None (zeros) where BERT has nothing to say."""
    if model.bert is None:
        return [None] * len(sentences)
    texts = list({span.text: None for s in sentences for span in s.spans if _is_read(span)})
    hidden = dict(zip(texts, _hidden(model, texts), strict=True))
    return [_rows(sentence, hidden) for sentence in sentences]


def _is_read(span: "Span") -> bool:
    return span.language == LANGUAGE and span.word2ph is not None


def _hidden(model: "Model", texts: Sequence[str]) -> list[mx.array]:
    """[characters, width] of each text, between BERT's own two marks."""
    if not texts:
        return []
    assert model.tokenizer is not None
    number = model.tokenizer.token_to_id
    lengths = np.array([len(text) + 2 for text in texts])
    mask = np.arange(bucket(max(lengths), 16)) < lengths[:, None]
    ids = np.zeros(mask.shape, np.int32)
    for row, text in zip(ids, texts, strict=True):
        numbers = [number(token) for token in ("[CLS]", *text, "[SEP]")]
        row[: len(numbers)] = [number("[UNK]") if n is None else n for n in numbers]
    h = model.bert(mx.array(ids), mask=mx.array(mask))
    return [h[i, 1 : len(text) + 1] for i, text in enumerate(texts)]


def _rows(sentence: "Sentence", hidden: dict[str, mx.array]) -> mx.array | None:
    if not hidden or not any(_is_read(span) for span in sentence.spans):
        return None
    like = next(iter(hidden.values()))
    parts = []
    for span in sentence.spans:
        if span.word2ph is not None and _is_read(span):
            index = np.repeat(np.arange(len(span.text)), span.word2ph)
            parts.append(hidden[span.text][mx.array(index)])
        else:
            parts.append(mx.zeros((len(span.ids), like.shape[1]), like.dtype))
    return mx.concatenate(parts)


def joined(parts: Sequence[mx.array | None], counts: Sequence[int]) -> mx.array | None:
    """Features of one sequence after another, `counts` phones each."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    zeros = [mx.zeros((n, known[0].shape[1]), known[0].dtype) for n in counts]
    return mx.concatenate([z if part is None else part for part, z in zip(parts, zeros, strict=True)])
