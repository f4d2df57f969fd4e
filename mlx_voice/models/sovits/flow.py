"""The normalizing flow between the text's distribution and the sound's."""

from mlx_voice.device import mx, nn
from mlx_voice.models.sovits.attention import masked
from mlx_voice.models.sovits.config import SoVITSConfig
from mlx_voice.nn.conv import Conv1d


class WaveNet(nn.Module):
    """Gated convolutions with the speaker's condition in each layer; the answer is the sum of the skips."""

    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        width, layers, kernel = config.hidden_channels, config.flow_layers, config.flow_kernel
        self.in_layers = [Conv1d(width, 2 * width, kernel, padding=kernel // 2) for _ in range(layers)]
        self.res_skip_layers = [nn.Linear(width, 2 * width) for _ in range(layers - 1)]
        self.res_skip_layers.append(nn.Linear(width, width))
        self.cond_layer = nn.Linear(config.gin_channels, 2 * width * layers)

    def __call__(self, x: mx.array, ge: mx.array, mask: mx.array | None) -> mx.array:
        conditions = mx.split(self.cond_layer(ge), len(self.in_layers), axis=-1)
        skips = []
        layers = zip(conditions, self.in_layers, self.res_skip_layers, strict=True)
        for condition, convolve, res_skip in layers:
            open_, gate = mx.split(convolve(x) + condition, 2, axis=-1)
            y = res_skip(mx.tanh(open_) * mx.sigmoid(gate))
            skips.append(y[..., -x.shape[-1] :])
            if len(skips) < len(self.in_layers):
                x = masked(x + y[..., : x.shape[-1]], mask)
        return masked(sum(skips[1:], skips[0]), mask)


class Coupling(nn.Module):
    """The second half of the channels, less what the first half and the speaker say it is."""

    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        half = config.inter_channels // 2
        self.pre = nn.Linear(half, config.hidden_channels)
        self.enc = WaveNet(config)
        self.post = nn.Linear(config.hidden_channels, half)

    def __call__(self, z: mx.array, ge: mx.array, mask: mx.array | None) -> mx.array:
        kept, moved = mx.split(z, 2, axis=-1)
        return mx.concatenate([kept, moved - self.mean(kept, ge, mask)], axis=-1)

    def inverse(self, z: mx.array, ge: mx.array) -> mx.array:
        kept, moved = mx.split(z, 2, axis=-1)
        return mx.concatenate([kept, moved + self.mean(kept, ge, None)], axis=-1)

    def mean(self, kept: mx.array, ge: mx.array, mask: mx.array | None) -> mx.array:
        return masked(self.post(self.enc(masked(self.pre(kept), mask), ge, mask)), mask)


class Flow(nn.Module):
    def __init__(self, config: SoVITSConfig) -> None:
        super().__init__()
        self.flows = [Coupling(config) for _ in range(config.flow_count)]

    def __call__(self, z_p: mx.array, ge: mx.array, mask: mx.array | None = None) -> mx.array:
        """[B, T, inter] -> [B, T, inter]; exact where `flow_context` frames on both sides are given."""
        z = z_p
        for coupling in reversed(self.flows):
            z = coupling(z[..., ::-1], ge, mask)
        return z

    def inverse(self, z: mx.array, ge: mx.array) -> mx.array:
        """From the sound's latent to the text's, [B, T, inter] both."""
        for coupling in self.flows:
            z = coupling.inverse(z, ge)[..., ::-1]
        return z
