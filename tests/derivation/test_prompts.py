"""Whole runs whose prompt is extended first, by a server that speaks the service's protocol."""

import json
from collections.abc import Iterator

import pytest

from s2v_runner.cli import main
from s2v_runner.errors import GenerationError
from s2v_runner.tracking.folder import RESUME_NAME
from s2v_runner.tracking.translation import params_of
from tests.inputs.prompt.asking import CHINESE, ENGLISH, KEY
from tests.inputs.prompt.loopback import Service, answer_parts, refuse, serving
from tests.runs import Workshop, read_json

ASKED = "a woman speaks"
SHORT = ("prompt_extend=dashscope", "prompt_extend.retries=0", f"prompt={ASKED}", "num_clip=1")
REFUSED = refuse(401, "InvalidApiKey", "Invalid API-key provided.")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASH_API_KEY", raising=False)
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(answer_parts(CHINESE)) as service:
        yield service


def test_both_prompts_are_in_the_record_with_the_run_and_in_mlflow(workshop: Workshop, service: Service):
    finished = workshop.perform(*SHORT, f"prompt_extend.url={service.url}")
    record = finished.record
    assert (record.prepared["prompt"]["asked"], record.prepared["prompt"]["text"]) == (ASKED, CHINESE)
    assert record.resolved["prompt"] == ASKED
    assert (finished.folder / record.files["prompt"]).read_text(encoding="utf-8") == CHINESE
    params = params_of(record)
    assert (params["prompt"], params["prepared.prompt.text"]) == (ASKED, CHINESE)
    assert CHINESE in (finished.folder / "run.log").read_text(encoding="utf-8")
    assert not record.warnings


def test_the_video_is_made_from_the_longer_prompt(workshop: Workshop, service: Service):
    extended = workshop.perform(*SHORT, f"prompt_extend.url={service.url}").record
    written_out = workshop.perform(f"prompt={CHINESE}", "num_clip=1").record
    assert extended.frames == written_out.frames
    assert extended.frames != workshop.perform(f"prompt={ASKED}", "num_clip=1").record.frames


def test_the_service_is_asked_once_for_all_runs_of_a_prompt_and_a_picture(workshop: Workshop, service: Service):
    for more in ("sampler.steps=1", "sampler.steps=2", "base_seed=8"):
        workshop.perform(*SHORT, more, f"prompt_extend.url={service.url}")
    assert len(service.asked) == 1
    workshop.perform(*SHORT, "prompt=a man speaks", f"prompt_extend.url={service.url}")
    assert len(service.asked) == 2


def test_the_key_is_written_nowhere(workshop: Workshop, service: Service):
    workshop.perform(*SHORT, f"prompt_extend.url={service.url}")
    assert service.asked[0].headers["Authorization"].endswith(KEY)
    files = [path for path in workshop.outputs.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_failure_falls_back_to_the_prompt_as_it_is(workshop: Workshop):
    with serving(REFUSED) as service:
        record = workshop.perform(*SHORT, f"prompt_extend.url={service.url}").record
    assert record.status == "FINISHED"
    assert record.prepared["prompt"]["text"] == ASKED
    (warning,) = record.warnings
    assert "DASHSCOPE_API_KEY" in warning
    assert warning == f"{params_of(record)['prepared.prompt.failed']}. This video is made with the prompt as it is"
    assert record.frames == workshop.perform(f"prompt={ASKED}", "num_clip=1").record.frames


def test_a_failure_is_not_kept(workshop: Workshop):
    with serving(REFUSED, answer_parts(CHINESE)) as service:
        words = (*SHORT, f"prompt_extend.url={service.url}")
        assert workshop.perform(*words).record.prepared["prompt"]["text"] == ASKED
        assert workshop.perform(*words).record.prepared["prompt"]["text"] == CHINESE


@pytest.mark.parametrize("has_clips", [False, True])
def test_a_run_that_was_stopped_asks_again_unless_clips_go_with_the_prompt_as_it_is(
    workshop: Workshop, has_clips: bool
):
    with serving(REFUSED, answer_parts(CHINESE)) as service:
        words = (*SHORT, f"prompt_extend.url={service.url}")
        folder = workshop.perform(*words).folder
        record = read_json(folder / "record.json")
        (folder / "record.json").write_text(json.dumps(record | {"status": "KILLED"}))
        if has_clips:
            (folder / RESUME_NAME).mkdir()
            (folder / RESUME_NAME / "clip").touch()
        again = workshop.perform(*words)
    assert again.folder == folder
    assert again.record.prepared["prompt"]["text"] == (ASKED if has_clips else CHINESE)


def test_a_failure_ends_the_run_where_that_is_asked(workshop: Workshop, capsys: pytest.CaptureFixture[str]):
    with serving(REFUSED) as service:
        words = (*SHORT, f"prompt_extend.url={service.url}", "prompt_extend.on_error=stop")
        with pytest.raises(GenerationError, match="401"):
            workshop.perform(*words)
        assert main([*workshop.settings, *words]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert workshop.only_record().status == "FAILED"


def test_a_run_is_reproduced_without_the_service(
    workshop: Workshop, service: Service, capsys: pytest.CaptureFixture[str]
):
    finished = workshop.perform(
        *SHORT, f"prompt_extend.url={service.url}", "prompt_extend.picture=false", "prompt_extend.model=qwen-vl-max"
    )
    assert main(["reproduce", str(finished.folder)]) == 0
    assert "the frames are identical" in capsys.readouterr().out
    assert len(service.asked) == 1


def test_a_plan_asks_nobody(workshop: Workshop, service: Service, capsys: pytest.CaptureFixture[str]):
    words = [*workshop.settings, *SHORT, f"prompt_extend.url={service.url}", "dry_run=true"]
    assert main(words) == 0
    assert "to be extended by dashscope" in capsys.readouterr().out
    assert not service.asked


def test_the_language_that_is_asked_for_is_another_run(workshop: Workshop):
    assert ENGLISH != CHINESE
    with serving(answer_parts(CHINESE), answer_parts(ENGLISH)) as service:
        words = (*SHORT, f"prompt_extend.url={service.url}")
        chinese = workshop.perform(*words).record
        english = workshop.perform(*words, "prompt_extend.target_lang=en").record
    assert english.prepared["prompt"]["text"] == ENGLISH
    assert english.identity != chinese.identity
