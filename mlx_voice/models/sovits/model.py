"""SoVITS v1, v2, v2Pro and v2ProPlus: semantic codes, phones and a speaker -> sound.

Layout [batch, time, channels]. A mask [B, n] is True where a row is real; padding stands on the right, and
neither changes the row's own answer nor the others'.
"""

from mlx_voice.device import mx, nn
from mlx_voice.models.sovits.config import SoVITSConfig
from mlx_voice.models.sovits.flow import Flow
from mlx_voice.models.sovits.generator import Generator
from mlx_voice.models.sovits.prior import Prior, PriorEncoder
from mlx_voice.models.sovits.timbre import ReferenceEncoder
from mlx_voice.nn.conv import Conv1d


class SoVITS(nn.Module):
    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        self.config = config
        ssl, gin, stride = config.ssl_channels, config.gin_channels, config.frames_per_code
        self.ssl_proj = Conv1d(ssl, ssl, stride, stride=stride)
        self.codebook = nn.Embedding(config.codes, ssl)
        self.ref_enc = ReferenceEncoder(config)
        self.enc_p = PriorEncoder(config)
        self.flow = Flow(config)
        self.generator = Generator(config)
        if config.speaker_channels:
            self.sv_emb = nn.Linear(config.speaker_channels, gin)
            self.ge_to512 = nn.Linear(gin, config.mrte_channels)
            self.prelu = mx.zeros((gin,))

    @property
    def flow_context(self) -> int:
        return self.config.flow_context

    @property
    def generator_context(self) -> int:
        return self.config.generator_context

    def condition(
        self, spec: mx.array, speaker: mx.array | None = None, mask: mx.array | None = None
    ) -> mx.array:
        """Spectrogram [B, F, bins] and, where the model hears one, speaker vector [B, n] -> ge [B, 1, gin].

        Several references of one speaker: the mean of their ge.
        """
        ge = self.ref_enc(spec[..., : self.config.spec_bins], mask)
        if not self.config.speaker_channels:
            return ge
        if speaker is None:
            raise ValueError("this model's condition needs a speaker vector")
        ge = ge + self.sv_emb(speaker)[:, None]
        return mx.where(ge > 0, ge, self.prelu * ge)

    def codes(self, features: mx.array) -> mx.array:
        """Content features [B, T, ssl] -> the codeword nearest to each pair of frames, [B, T // 2]."""
        projected = self.ssl_proj(features)
        book = self.codebook.weight
        distance = (book * book).sum(axis=-1) - 2 * (projected @ book.T)
        return mx.argmin(distance, axis=-1).astype(mx.int32)

    def encode(
        self,
        codes: mx.array,
        phones: mx.array,
        ge: mx.array,
        speed: float = 1.0,
        code_mask: mx.array | None = None,
        phone_mask: mx.array | None = None,
    ) -> Prior:
        """Codes [B, n] and phones [B, N] -> the latent's distribution at 50 Hz.

        `codes` may be a beginning of what will be known: a stream asks again with more of them.
        """
        text = self.enc_p.text(phones, phone_mask)
        return self.encode_read(codes, text, ge, speed, code_mask, phone_mask)

    def encode_read(
        self,
        codes: mx.array,
        text: mx.array,
        ge: mx.array,
        speed: float = 1.0,
        code_mask: mx.array | None = None,
        phone_mask: mx.array | None = None,
    ) -> Prior:
        """`encode` with the phones already read by `enc_p.text`."""
        mrte = self.ge_to512(ge) if self.config.speaker_channels else ge
        return self.enc_p(self.codebook(codes), text, mrte, speed, code_mask, phone_mask)

    def decode(
        self,
        codes: mx.array,
        phones: mx.array,
        ge: mx.array,
        noise: mx.array,
        noise_scale: float = 0.5,
        speed: float = 1.0,
        code_mask: mx.array | None = None,
        phone_mask: mx.array | None = None,
    ) -> mx.array:
        """All at once, [B, samples]. `noise` [B, T or more, inter] is standard normal; its first T count."""
        prior = self.encode(codes, phones, ge, speed, code_mask, phone_mask)
        z_p = prior.sample(noise[:, : prior.y.shape[1]], noise_scale)
        return self.generator(self.flow(z_p, ge, prior.mask), ge, prior.mask)
