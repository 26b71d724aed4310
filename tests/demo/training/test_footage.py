from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from demo.training import footage as filming
from demo.training.footage import (
    CLIP_FRAMES,
    PAST_FRAMES,
    PAST_LATENTS,
    Footage,
    Past,
    Scene,
    draw_scene,
    encode_latents,
    film,
    join,
    performances_to_pose,
)
from demo.training.speeches import LEAD_FRAMES, Speeches
from demo.world.head import render
from demo.world.mouth import MouthTrack
from demo.world.regions import mark_features
from demo.world.skeleton import render_pose
from demo.world.take import begin_like
from s2v_runner.autoencoder import WHOLE_FRAMES, encode_video
from s2v_runner.conditioning.visual import encode_pose, opening_video
from s2v_runner.plan import latent_frame_count, plan_run
from s2v_runner.records import FIXED, Request, RunPlan
from tests.demo.training.weights import for_pipeline

SIDE = 32
CLIP_LATENTS = CLIP_FRAMES // 4
FEATURE_FRAMES = 300
PASTS: tuple[Past, ...] = get_args(Past)
CONTINUING: tuple[Past, ...] = ("video", "grey", "picture")
AS_FLOAT16 = 1e-3


@pytest.fixture(scope="module")
def speeches() -> Speeches:
    """Mouths that open in one frame a second, a second later in each, and close in between."""
    tracks = []
    for utterance, length in enumerate((200, 60, 20)):
        opening, width, rounding = np.zeros((3, length), np.float32)
        opening[utterance + 1 :: 16] = 1.0
        tracks.append(MouthTrack(opening, width + 0.5, rounding))
    return Speeches(tuple(tracks), torch.zeros(3, 2, 4, FEATURE_FRAMES, dtype=torch.float16))


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames of 32 × 32, which are drawn and encoded sixteen times as fast."""
    monkeypatch.setattr(filming, "SIDE", SIDE)
    monkeypatch.setattr(filming, "_LATENT_SIDE", SIDE // 8)


@pytest.fixture
def plan(request_for: Callable[..., Request]) -> RunPlan:
    plan = plan_run(request_for(infer_frames=CLIP_FRAMES), (80, 96), 64000, 16000)
    assert plan.num_clips == 1
    return RunPlan(**{**vars(plan), "height": SIDE, "width": SIDE})


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn_video(scene: Scene) -> torch.Tensor:
    performances = scene.takes.performances
    if scene.past == "picture":
        performances = begin_like(scene.takes.portraits, performances, 8)
    return render(scene.takes.identities, performances, SIDE)


def picture_of(scene: Scene) -> torch.Tensor:
    return render(scene.takes.identities, scene.takes.portraits, SIDE)


def is_close(latents: torch.Tensor, wanted: torch.Tensor) -> bool:
    """But for rounding to float16."""
    return latents.shape == wanted.shape and bool(torch.allclose(latents.float(), wanted, rtol=1e-3, atol=AS_FLOAT16))


def test_counts_are_those_of_the_pipeline():
    assert latent_frame_count(PAST_FRAMES) == PAST_LATENTS
    assert latent_frame_count(PAST_FRAMES + CLIP_FRAMES) - PAST_LATENTS == CLIP_LATENTS


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("past", PASTS)
def test_a_film_holds_what_a_clip_is_learned_from(random_vae: AutoencoderKLWan, speeches: Speeches, past: Past):
    scene = draw_scene(speeches, 3, past, seeded(0))
    footage = film(random_vae, scene, torch.tensor([7, 8, 9]), 2, seeded(1))
    cells = SIDE // 8
    assert len(footage) == 3
    assert footage.reference_NC1HW.shape == (3, 16, 1, cells, cells)
    assert footage.clip_NCFHW.shape == (3, 16, CLIP_LATENTS, cells, cells)
    assert footage.pose_NCFHW.shape == (2, 16, CLIP_LATENTS, cells, cells)
    assert footage.weight_NFHW.shape == (3, CLIP_LATENTS, cells, cells)
    assert (footage.motion_NCMHW is None) is (past == "none")
    if footage.motion_NCMHW is not None:
        assert footage.motion_NCMHW.shape == (3, 16, PAST_LATENTS, cells, cells)
    assert footage.clip_NCFHW.dtype == footage.reference_NC1HW.dtype == footage.pose_NCFHW.dtype == torch.float16
    assert footage.prompt_N.tolist() == [7, 8, 9]
    assert torch.equal(footage.utterance_N, scene.utterance_B)
    assert torch.equal(footage.begin_N, scene.begin_B)


@torch.no_grad()
def test_latents_are_those_of_the_pipeline(random_vae: AutoencoderKLWan):
    video = torch.rand(2, 3, 9, SIDE, SIDE, generator=seeded(0)) * 2 - 1
    latents = encode_latents(random_vae, video)
    assert latents.dtype == torch.float16
    assert is_close(latents, encode_video(for_pipeline(random_vae), video, WHOLE_FRAMES))


@pytest.mark.usefixtures("_small")
@torch.no_grad()
def test_an_opening_clip_follows_the_picture(random_vae: AutoencoderKLWan, speeches: Speeches):
    """The clip loop decodes the reference's latent and the clip's together: what was encoded is what comes out."""
    scene = draw_scene(speeches, 1, "none", seeded(0))
    footage = film(random_vae, scene, torch.tensor([0]), 0, seeded(1))
    together = torch.cat((footage.reference_NC1HW, footage.clip_NCFHW), dim=2)
    video = torch.cat((picture_of(scene), drawn_video(scene)), dim=2)
    assert video.shape[2] == 1 + CLIP_FRAMES
    assert is_close(together, encode_video(for_pipeline(random_vae), video, WHOLE_FRAMES))
    assert is_close(footage.reference_NC1HW, encode_video(for_pipeline(random_vae), picture_of(scene), WHOLE_FRAMES))


def past_of(scene: Scene, motion_1CMHW: torch.Tensor, vae: AutoencoderKLWan, plan: RunPlan) -> torch.Tensor:
    """The 73 frames before the clip as the pipeline would have them."""
    if scene.past == "picture":
        return opening_video(plan, picture_of(scene), start_from_ref=True)
    past = drawn_video(scene)[:, :, :PAST_FRAMES].clone()
    if scene.past == "grey":
        grey = encode_video(for_pipeline(vae), torch.zeros_like(past), WHOLE_FRAMES)
        greys = [is_close(motion_1CMHW[:, :, at], grey[:, :, at]) for at in range(PAST_LATENTS)]
        count = sum(greys)
        assert greys == [True] * count + [False] * (PAST_LATENTS - count)
        assert 2 <= count < PAST_LATENTS
        past[:, :, : 4 * count] = 0.0
    return past


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("past", CONTINUING)
@torch.no_grad()
def test_a_continuing_clip_follows_the_past_that_the_pipeline_encodes_alone(
    random_vae: AutoencoderKLWan, speeches: Speeches, plan: RunPlan, past: Past
):
    scene = draw_scene(speeches, 1, past, seeded(2))
    footage = film(random_vae, scene, torch.tensor([0]), 0, seeded(3))
    assert footage.motion_NCMHW is not None
    frames = past_of(scene, footage.motion_NCMHW, random_vae, plan)
    assert frames.shape[2] == PAST_FRAMES
    assert is_close(footage.motion_NCMHW, encode_video(for_pipeline(random_vae), frames, WHOLE_FRAMES))
    together = torch.cat((footage.motion_NCMHW, footage.clip_NCFHW), dim=2)
    clip = drawn_video(scene)[:, :, -CLIP_FRAMES:]
    assert is_close(together, encode_video(for_pipeline(random_vae), torch.cat((frames, clip), dim=2), WHOLE_FRAMES))
    assert is_close(footage.reference_NC1HW, encode_video(for_pipeline(random_vae), picture_of(scene), WHOLE_FRAMES))


@pytest.mark.usefixtures("_small")
def test_any_length_of_grey_comes_up(random_vae: AutoencoderKLWan, speeches: Speeches):
    generator = seeded(0)
    scene = draw_scene(speeches, 1, "grey", generator)
    first = [film(random_vae, scene, torch.tensor([0]), 0, generator).motion_NCMHW for _ in range(3)]
    assert first[0] is not None
    assert first[1] is not None
    assert not torch.equal(first[0], first[1])


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("past", ["none", "video"])
@torch.no_grad()
def test_poses_are_encoded_as_in_the_pipeline(
    random_vae: AutoencoderKLWan, speeches: Speeches, plan: RunPlan, past: Past
):
    scene = draw_scene(speeches, 2, past, seeded(4))
    footage = film(random_vae, scene, torch.tensor([0, 1]), 2, seeded(1))
    shown = scene.takes.performances.window(-CLIP_FRAMES, scene.takes.performances.yaw.shape[1])
    video = render_pose(scene.takes.identities, shown, SIDE)
    for take in range(2):
        pixels = ((video[take].permute(1, 2, 3, 0) + 1) / 2 * 255).round().to(torch.uint8).numpy()
        (wanted,) = encode_pose(for_pipeline(random_vae), iter(pixels), plan, FIXED)
        # The pipeline reads 256 levels of a pixel.
        error, of_another = ((footage.pose_NCFHW[which].float() - wanted[0]).abs().max() for which in (take, 1 - take))
        assert error < 0.02
        assert error < 0.2 * of_another


@pytest.mark.usefixtures("_small")
def test_without_poses_there_are_none(random_vae: AutoencoderKLWan, speeches: Speeches):
    scene = draw_scene(speeches, 2, "none", seeded(4))
    poses = performances_to_pose(random_vae, scene.takes, scene.takes.performances, 0)
    assert poses.shape == (0, 16, CLIP_LATENTS, SIDE // 8, SIDE // 8)
    assert poses.dtype == torch.float16


@pytest.mark.usefixtures("_small")
def test_a_latent_counts_more_where_a_feature_is_in_any_of_its_frames(random_vae: AutoencoderKLWan, speeches: Speeches):
    scene = draw_scene(speeches, 3, "video", seeded(4))
    footage = film(random_vae, scene, torch.arange(3), 0, seeded(1))
    shown = scene.takes.performances.window(PAST_FRAMES, PAST_FRAMES + CLIP_FRAMES)
    marked = mark_features(scene.takes.identities, shown, SIDE // 8)
    for latent in range(CLIP_LATENTS):
        wanted = (
            marked[:, 4 * latent] | marked[:, 4 * latent + 1] | marked[:, 4 * latent + 2] | marked[:, 4 * latent + 3]
        )
        assert torch.equal(footage.weight_NFHW[:, latent], wanted)


def numbered(first: int, count: int, posed: int, with_motion: bool) -> Footage:
    """Clips all of whose values are their number."""
    numbers = torch.arange(first, first + count)
    latents = numbers.half().view(-1, 1, 1, 1, 1)
    return Footage(
        reference_NC1HW=latents,
        clip_NCFHW=latents,
        motion_NCMHW=latents if with_motion else None,
        pose_NCFHW=latents[:posed],
        weight_NFHW=numbers.view(-1, 1, 1, 1) > 0,
        utterance_N=numbers,
        begin_N=numbers,
        prompt_N=numbers,
    )


@pytest.mark.parametrize("with_motion", [False, True])
def test_joined_clips_keep_their_poses(with_motion: bool):
    pieces = [numbered(0, 4, 2, with_motion), numbered(4, 3, 0, with_motion), numbered(7, 2, 1, with_motion)]
    joined = join(pieces)
    assert len(joined) == 9
    assert joined.clip_NCFHW.flatten().tolist() == [0, 1, 7, 2, 3, 4, 5, 6, 8]
    assert joined.pose_NCFHW.flatten().tolist() == [0, 1, 7]
    numbers = [joined.reference_NC1HW, joined.utterance_N, joined.begin_N, joined.prompt_N]
    for values in [*numbers, joined.motion_NCMHW] if with_motion else numbers:
        assert values is not None
        assert values.flatten().tolist() == joined.clip_NCFHW.flatten().tolist()
    assert joined.weight_NFHW.flatten().tolist() == [number > 0 for number in (0, 1, 7, 2, 3, 4, 5, 6, 8)]
    assert (joined.motion_NCMHW is not None) is with_motion


@pytest.mark.parametrize("past", PASTS)
def test_the_mouth_of_a_take_is_that_of_its_speech(speeches: Speeches, past: Past):
    """Frame k of the clip hears feature begin + k, which is frame begin + k − 3 of the speech."""
    scene = draw_scene(speeches, 60, past, seeded(6))
    opening = scene.takes.performances.opening
    before = opening.shape[1] - CLIP_FRAMES
    assert before == (PAST_FRAMES if past in ("video", "grey") else 0)
    heard = 0
    for take, (utterance, begin) in enumerate(zip(scene.utterance_B.tolist(), scene.begin_B.tolist(), strict=True)):
        track = speeches.mouths[utterance].opening_V
        for frame in range(-before, CLIP_FRAMES):
            spoken = begin + frame - LEAD_FRAMES
            wanted = track[spoken] if 0 <= spoken < len(track) else 0.0
            assert opening[take, before + frame] == wanted
            heard += int(wanted > 0)
    assert heard > 100


@pytest.mark.parametrize("past", PASTS)
def test_clips_begin_where_the_pipeline_has_them_begin(speeches: Speeches, past: Past):
    scene = draw_scene(speeches, 200, past, seeded(6))
    begins = scene.begin_B
    if past == "none":
        assert (begins == 0).all()
    elif past == "picture":
        assert (begins == LEAD_FRAMES).all()
    else:
        assert begins.min() >= LEAD_FRAMES
        assert begins.max() + CLIP_FRAMES <= FEATURE_FRAMES
        # Half of every clip has something to say, where so much is said.
        for utterance, latest in ((0, 160), (1, 20), (2, LEAD_FRAMES)):
            assert begins[scene.utterance_B == utterance].max() <= latest
        assert begins.float().std() > 20
    assert set(scene.utterance_B.tolist()) == {0, 1, 2}


def test_a_clip_ends_with_the_features(speeches: Speeches):
    short = Speeches(speeches.mouths[:1], speeches.features_UJCV[:1, :, :, :100])
    assert draw_scene(short, 50, "video", seeded(0)).begin_B.max() == 20
