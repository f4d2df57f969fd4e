#!/usr/bin/env python3
"""A voice from a recording: `scripts/extract_codes.py NAME reference.wav --text "what is said in it"`.

It is `mlx-voice voices add` under another name: with `--help` it lists all options, and with
`--voices voices.json` it adds to the voices that ship.
"""

import sys

from mlx_voice.cli import main

if __name__ == "__main__":
    main(["voices", "add", *sys.argv[1:]])
