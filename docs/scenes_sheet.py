"""Draws docs/scenes.png: 24 scenes, and under each its labels (the ignored rim black) and its boxes.

python docs/scenes_sheet.py docs/scenes.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1] / "solutions"))

from common.scenes import IGNORE, draw_scenes

COLUMNS, GAP = 6, 4
COLOURS = np.array(
    [(135, 190, 235), (120, 180, 90), (30, 95, 50), (235, 140, 50), (150, 90, 170), (245, 215, 70), (0, 0, 0)], np.uint8
)


def main(path: str, seed: int = 0, count: int = 24) -> None:
    scenes = draw_scenes(count, seed)
    height, width = scenes[0].labels.shape
    cell = (width + GAP, height + height // 2 + GAP)
    page = Image.new("RGB", (COLUMNS * cell[0] - GAP, -(-count // COLUMNS) * cell[1] - GAP), "white")
    for number, scene in enumerate(scenes):
        x, y = number % COLUMNS * cell[0], number // COLUMNS * cell[1]
        picture = Image.fromarray(scene.image.transpose(1, 2, 0))
        page.paste(picture, (x, y))
        half = (width // 2, height // 2)
        labels = Image.fromarray(COLOURS[np.where(scene.labels == IGNORE, 6, scene.labels)])
        page.paste(labels.resize(half, Image.Resampling.NEAREST), (x, y + height))
        pen = ImageDraw.Draw(picture)
        for thing in scene.things:
            x1, y1, x2, y2 = thing.box
            pen.rectangle((x1, y1, x2 - 1, y2 - 1), outline="red")
        page.paste(picture.resize(half), (x + half[0], y + height))
    page.save(path, optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
