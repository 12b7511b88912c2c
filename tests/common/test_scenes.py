"""The embedded scenes: the same bytes anywhere, and everything that is said of a scene agrees with its picture."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from common.scenes import CLASSES, IGNORE, THINGS, WORDS, draw_scene, draw_scenes, split_scenes
from common.scenes.scene import NOTHING
from common.scenes.solids import Builder, turn

SOLUTIONS = Path(__file__).parents[2] / "solutions"

# Students' networks are graded on these scenes: a change of the drawing is a change of the assignments.
DIGEST = "89dde5a4e2b64166"

DIGEST_PROGRAM = """
import hashlib
from common.scenes import draw_scenes
digest = hashlib.sha256()
for scene in draw_scenes(4, 7, first=2):
    digest.update(scene.image.tobytes() + scene.labels.tobytes() + scene.caption.encode())
    for thing in scene.things:
        digest.update(repr(thing.box + thing.whole_box).encode() + thing.mask.tobytes() + thing.voxels(12).tobytes())
print(digest.hexdigest()[:16])
"""


@pytest.fixture(scope="module")
def scenes():
    return draw_scenes(100, 5)


@pytest.fixture(scope="module")
def things(scenes):
    return [thing for scene in scenes for thing in scene.things]


def test_same_bytes_in_a_new_process():
    environment = os.environ | {"PYTHONPATH": str(SOLUTIONS), "PYTHONHASHSEED": "1"}
    program = [sys.executable, "-c", DIGEST_PROGRAM]
    result = subprocess.run(program, capture_output=True, text=True, env=environment, check=True)
    assert result.stdout.strip() == DIGEST


def test_a_scene_does_not_depend_on_what_else_is_drawn():
    alone, among = draw_scene(4, 3), draw_scenes(4, 4)[3]
    assert alone.image.tobytes() == among.image.tobytes()
    assert alone.labels.tobytes() == among.labels.tobytes()
    assert alone.image.tobytes() != draw_scene(5, 3).image.tobytes()


def test_drawing_leaves_the_global_random_numbers_alone():
    np.random.seed(1)
    before = np.random.random_sample()
    np.random.seed(1)
    draw_scene(0, 0)
    assert np.random.random_sample() == before


@pytest.mark.parametrize("height, width", [(48, 64), (64, 96), (33, 50)])
def test_any_size(height, width):
    scene = draw_scene(1, 1, height=height, width=width)
    assert scene.image.shape == (3, height, width)
    assert scene.labels.shape == (height, width)
    assert scene.image.dtype == scene.labels.dtype == np.uint8


def test_labels_agree_with_masks(scenes):
    for scene in scenes:
        covered = np.zeros(scene.labels.shape, int)
        for thing in scene.things:
            inside = scene.labels[thing.mask]
            assert set(np.unique(inside)) <= {thing.label, IGNORE}
            covered += thing.mask
        assert covered.max() <= 1  # masks are disjoint
        told = (scene.labels >= CLASSES.index("cat")) & (scene.labels != IGNORE)
        assert (covered[told] == 1).all()


def test_boxes_are_tight_and_inside(scenes):
    for scene in scenes:
        for thing in scene.things:
            x1, y1, x2, y2 = map(int, thing.box)
            assert thing.mask[y1:y2, x1:x2].sum() == thing.mask.sum() >= 24
            assert thing.mask[[y1, y2 - 1]].any(axis=1).all()
            assert thing.mask[:, [x1, x2 - 1]].any(axis=0).all()
            a1, b1, a2, b2 = thing.whole_box
            assert 0 <= a1 <= x1 < x2 <= a2 <= 128
            assert 0 <= b1 <= y1 < y2 <= b2 <= 96
            assert 0.2 <= thing.visible <= 1


def test_classes_are_equally_common(things):
    counts = Counter(thing.kind for thing in things)
    assert set(counts) == set(THINGS)
    assert max(counts.values()) < 1.2 * min(counts.values()) + 10


def test_captions_are_of_a_closed_vocabulary(scenes, things):
    for thing in things:
        words = thing.caption.split()
        assert set(words) <= set(WORDS)
        assert len(words) <= 13
        assert words[0] == ("an" if words[1][0] in "aeiou" else "a")
        assert {thing.kind, thing.pose, *thing.coat.split()} <= set(words)
        middle = (thing.box[0] + thing.box[2]) / 2
        place = "left" if middle < 128 / 3 else "right" if middle > 256 / 3 else "middle"
        assert words[-1] == place
    assert len(WORDS) == 31
    assert any(len(scene.things) > 1 and scene.caption.count(";") == len(scene.things) - 1 for scene in scenes)


def test_some_scenes_are_empty():
    empty = [scene for scene in draw_scenes(150, 6, height=24, width=32, near=(0.5, 0.9)) if not scene.things]
    assert 1 <= len(empty) <= 15
    assert empty[0].caption == NOTHING
    assert not ((empty[0].labels >= 3) & (empty[0].labels != IGNORE)).any()


def test_exactly_one_animal():
    scenes = draw_scenes(40, 2, height=48, width=64, things=(1, 1), near=(0.55, 1.0))
    assert {len(scene.things) for scene in scenes} == {1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"index": -1},
        {"height": 8},
        {"things": (3, 2)},
        {"things": (-1, 2)},
        {"near": (0.5, 1.5)},
        {"things": (30, 30)},
    ],
)
def test_arguments_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=r"seed|things|animals"):
        draw_scene(**({"seed": 0, "index": 0, "height": 16, "width": 16} | wrong))


def test_splits_share_no_scene_and_are_kept():
    parts = split_scenes((3, 2, 1), 1, 24, 32)
    assert {name: len(part) for name, part in parts.items()} == {"train": 3, "val": 2, "test": 1}
    pictures = [scene.image.tobytes() for part in parts.values() for scene in part]
    assert len(set(pictures)) == 6
    assert parts["val"][1].image.tobytes() == draw_scene(4, 1, height=24, width=32).image.tobytes()
    assert split_scenes((3, 2, 1), 1, 24, 32)["train"] is parts["train"]


def uncut(thing):
    x1, y1, x2, y2 = thing.whole_box
    return min(x1, y1) > 0 and x2 < 128 and y2 < 96


def test_a_solid_lies_on_its_box(things):
    whole = [thing for thing in things if uncut(thing)]
    assert len(whole) > 30
    for thing in whole:
        low, high = thing.solid.bounds()
        reach = np.array([low[0], -high[1], high[0], -low[1]])
        assert np.abs(reach - np.array(thing.whole_box)).max() < 1.5


def test_voxels_lie_in_the_cube_around_the_animal(things):
    for thing in things[:12]:
        voxels = thing.voxels(24)
        low, high = thing.solid.bounds()
        extent = (high - low) / (high - low).max() * 24
        filled = np.array([np.ptp(np.flatnonzero(voxels.any(axis=others))) + 1 for others in ((1, 2), (0, 2), (0, 1))])
        assert (np.abs(filled - extent) <= 3).all()
        assert filled.max() >= 22


def volume(corners, triangles):
    a, b, c = (corners[triangles[:, k]].astype(float) for k in range(3))
    return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6


def test_meshes_are_closed_and_lie_on_the_surface(things):
    for thing in things[:6]:
        vertices, triangles = thing.mesh(8)
        edges = Counter((i, j) for face in triangles for i, j in zip(face, np.roll(face, -1), strict=True))
        assert all(edges[i, j] == edges[j, i] == 1 for i, j in edges)
        assert sorted(set(triangles.ravel())) == list(range(len(vertices)))
        own = vertices.reshape(len(thing.solid.centres), -1, 3) - thing.solid.centres[:, None]
        on_unit_spheres = np.einsum("nij,nvj->nvi", np.linalg.inv(thing.solid.axes), own)
        np.testing.assert_allclose((on_unit_spheres**2).sum(axis=2), 1)


@pytest.mark.parametrize("turned", [None, np.diag([1.0, 1.0, -1.0])], ids=["right-handed", "mirrored"])
def test_mesh_of_one_ellipsoid(turned):
    builder = Builder()
    builder.ball((5.0, 1.0, -2.0), (3.0, 2.0, 1.0), (1, 1, 1), turned=turned)
    vertices, triangles = builder.solid().mesh(20)
    assert (len(vertices), len(triangles)) == (20 * 40 + 2, 2 * 40 * 20)
    assert volume(vertices, triangles) == pytest.approx(4 / 3 * np.pi * 6, rel=0.02)
    np.testing.assert_allclose((((vertices - [5, 1, -2]) / [3, 2, 1]) ** 2).sum(axis=1), 1)


def test_surface_points_lie_on_the_surface(things):
    thing = things[0]
    points, normals = thing.surface(200, seed=1)
    assert points.shape == normals.shape == (200, 3)
    np.testing.assert_allclose((normals**2).sum(axis=1), 1)
    assert thing.solid.holds(points - 1e-6 * normals).all()
    assert not thing.solid.holds(points + 1e-6 * normals).any()
    assert np.array_equal(points, thing.surface(200, seed=1)[0])
    assert not np.array_equal(points, thing.surface(200, seed=2)[0])


def test_surface_points_are_spread_evenly():
    builder = Builder()
    builder.ball((0, 0, 0), (3, 1, 1), (0, 0, 0))
    points, _ = builder.solid().surface(4000, seed=3)
    # A prolate spheroid with half-axes 3, 1, 1: the part |x| < 1.5 has 0.5655 of its surface.
    line = np.linspace(-3, 3, 20001)
    ring = np.sqrt(1 - line**2 / 9 + line**2 / 81)
    expected = ring[np.abs(line) < 1.5].sum() / ring.sum()
    assert np.mean(np.abs(points[:, 0]) < 1.5) == pytest.approx(expected, abs=0.03)


def test_turns():
    np.testing.assert_allclose(turn(yaw=90) @ [1, 0, 0], [0, 0, 1], atol=1e-12)  # to the viewer
    np.testing.assert_allclose(turn(tilt=90) @ [1, 0, 0], [0, 1, 0], atol=1e-12)  # nose up
    np.testing.assert_allclose(turn(roll=90) @ [0, 1, 0], [0, 0, 1], atol=1e-12)


def test_pictures_are_not_flat(scenes):
    spread = [scene.image.std() for scene in scenes]
    assert min(spread) > 12
    assert len({hashlib.sha256(scene.image.tobytes()).digest() for scene in scenes}) == len(scenes)


def by_pixel(scenes):
    """Colours (P, 3) and labels (P,) of all pixels that count."""
    colours = torch.cat([torch.from_numpy(scene.image).flatten(1).T for scene in scenes]).double() / 255
    labels = torch.cat([torch.from_numpy(scene.labels).flatten() for scene in scenes]).long()
    return colours[labels != IGNORE], labels[labels != IGNORE]


def test_colour_alone_stays_under_45_percent():
    """No shortcut: a network that sees one pixel's colour, with classes balanced, has a low mean IoU."""
    colours, labels = by_pixel(draw_scenes(120, 20, height=48, width=64))
    mean, deviation = colours.mean(dim=0), colours.std(dim=0)
    network = torch.nn.Sequential(
        *(torch.nn.Linear(3, 48), torch.nn.ReLU(), torch.nn.Linear(48, 48), torch.nn.ReLU(), torch.nn.Linear(48, 6))
    ).double()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    weight = 1 / labels.bincount(minlength=6).double().sqrt()
    for step in range(500):
        chosen = torch.randint(len(labels), (2000,))
        loss = torch.nn.functional.cross_entropy(
            network((colours[chosen] - mean) / deviation), labels[chosen], weight=weight
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / 500)
    colours, labels = by_pixel(draw_scenes(60, 21, height=48, width=64))
    with torch.no_grad():
        guesses = network((colours - mean) / deviation).argmax(dim=1)
    confusion = (labels * 6 + guesses).bincount(minlength=36).reshape(6, 6).double()
    iou = confusion.diagonal() / (confusion.sum(dim=0) + confusion.sum(dim=1) - confusion.diagonal())
    assert 0.25 < iou.mean() < 0.45, iou  # it learns something, and not enough
