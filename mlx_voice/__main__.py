"""`python -m mlx_voice` is the command `mlx-voice`."""

from mlx_voice.cli import main

main()
