"""The embedded data set of scenes: cats, dogs and ducks on grass, under sky, by trees.

Everything that is known about a scene comes from one description in space, so that picture, masks, boxes, labels,
captions, voxels and meshes cannot disagree. `draw_scene` says what a scene is, `Scene` and `Thing` what they hold.
"""

from .cached import SPLITS, split_scenes
from .scene import CLASSES, STUFF, THINGS, WORDS, Scene, Thing, draw_scene, draw_scenes
from .world import IGNORE

__all__ = [
    "CLASSES",
    "IGNORE",
    "SPLITS",
    "STUFF",
    "THINGS",
    "WORDS",
    "Scene",
    "Thing",
    "draw_scene",
    "draw_scenes",
    "split_scenes",
]
