"""docs/seeds.md keeps its promise: every name that the seeds mention is in it."""

from __future__ import annotations

import re

import pytest

from tests.docs.documents import text

PHOTOS = """
main_set.py caption_review_local.py db_uploader.py init_db.py AMIR_PYTHON python312.dll
amir2000_image_automation Activate.ps1 review_queue photos_info_revamp File_Name Path ollama_path QC_Status
Review_Status brisque_score clip_aesthetic_score Pending Approved Rejected Published Error ResizeFailed
PrefillNativeCrash Queued ScoringFailed data/review.db data/_runtime_scripts data/prefill_qc_last.json
data/used_filenames.json data/crash_runtime.log data/run_log.txt data/ollama_tmp/run_* data/ollama_tmp/
data/ logs/ logs/latest_run.log logs/db_uploader.log crash_startup.log [RETRY] [RETRY-OK] usa colorado
sunrise sunset Generate incoming staged origin people/cityscape/macro/night/aviation
""".split()

PHOTO_PHRASES = [
    "[INFO] Ollama startup check: model=... processor=GPU/CPU context=... vram=....",
    "Recover crash session",
    "no valid files were found on disk",
    "ollama list",
    "smoke batch",
    "Stage 6 watchdog",
    "open terrain",
    "scene view of scene",
    "Validate sets",
    "Prepare DB and copy to incoming",
    "Extract EXIF and initial metadata",
    "Insert or refresh review rows",
    "AI quality scoring",
    "Resize images for Ollama",
    "Caption and keywords prefill",
    "Open review editor",
]

CONTENT = """
AutomationConfig AutomationRun AutomationService AutomationLogger AutomationPage IntegrationSettings
AIEngine AutoClusterFunction GenerateIdeasFunction GenerateContentFunction GenerateImagePromptsFunction
generate_images process_image_generation_queue validate_minimum_keywords _check_should_stop estimate_credits
account.credits automation_lock_{site_id} automation.check_scheduled_automations check_scheduled_automations
run_automation_task resume_automation_task continue_automation_task /api/v1/automation/ /automation config
update_config run_now current_run pipeline_overview current_processing pause resume cancel history logs
estimate site_id run_id lines estimated_credits current_balance sufficient frequency daily weekly monthly
scheduled_time stage_1..6 within_stage_delay between_stage_delay last_run_at next_run_at trigger_type manual
scheduled status running paused cancelled completed failed current_stage total_credits_used error_message
cancelled_at completed_at stage_1_result stage_7_result keywords_processed clusters_created batches_run
credits_used skipped partial time_elapsed clusters_processed ideas_created ideas_processed tasks_created
tasks_processed content_created total_words content_processed prompts_created images_processed
images_generated ready_for_review Keywords Clusters ContentIdeas Tasks Content Images new queued draft
pending review OpenAI runware
""".split()

SCENES = """
my3dis.run_workflow _record_pid_map execute_workflow load_yaml normalize_scene_list run_scene_workflow
SceneWorkflow SceneContext StageRecorder my3dis.generate_candidates.run_generation
ssam_progressive_adapter.generate_with_progressive progressive_refinement.progressive_refinement_masks
my3dis.filter_candidates.run_filtering track_from_candidates.run_tracking
tracking.level_runner.run_level_tracking tracking.sam2_runner.sam2_tracking
my3dis.generate_report.build_report export_stage_timings apply_scene_level_layout append_run_history core.py
errors.py io.py utils.py scenes.py summary.py logging.py executor.py __init__.py WorkflowError
WorkflowConfigError WorkflowRuntimeError _collect_gpu_tokens normalise_gpu_spec serialise_gpu_spec using_gpu
CUDA_VISIBLE_DEVICES now_local_iso now_local_stamp expand_output_path_template discover_scene_names
resolve_levels stage_frames_string resolve_stage_gpu derive_scene_metadata _bytes_to_mib
_normalise_gpu_indices _gather_git_snapshot collect_environment_snapshot StageResourceMonitor
_setup_cpu_monitor _collect_process_rss _update_cpu_peak _poll_cpu_usage _setup_gpu_monitor _safe_cuda_call
_finalise_gpu_metrics _build_cpu_summary __post_init__ __enter__ __exit__ update_summary_config
load_manifest _lock_file_handle _unlock_file_handle _move_file _load_json_if_exists
build_completion_log_entry log_completion_event _stage_cfg _stage_summary _determine_layout_mode
_populate_experiment_metadata _ensure_run_dir _ensure_manifest _run_ssam_stage _run_filter_stage
_run_tracker_stage _run_report_stage _finalize _SceneJob _run_scene_job _scene_job_worker
_run_scene_job_isolated _resolve_path_override _prepare_memory_event_readers _read_memory_snapshots
_detect_memory_events _format_oom_events memory.events workflow_summary.json stage_timings.json
environment_snapshot.json manifest.json logs/workflow_history.csv logs/workflow_notifications.log
experiment.output_root experiment.output_layout dataset_root scene_start scene_end persist_raw
skip_filtering report_name max_width start:end:step OVERVIEW.md TRACKING_GUIDE.md {name} scene_* ssam filter
tracker report
""".split()

SECTIONS = {"photos": [*PHOTOS, *PHOTO_PHRASES], "content": CONTENT, "scenes": SCENES}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_name_of_a_seed_is_in_its_section(section: str) -> None:
    body = _section(section)
    assert [name for name in SECTIONS[section] if not _mentions(body, name)] == []


def test_a_name_inside_a_longer_one_does_not_count() -> None:
    assert _mentions("the `data/review.db` file", "data/review.db")
    assert not _mentions("the `pipeline_overview` call", "pipeline")
    assert not _mentions("`estimate_credits`", "estimate")


def test_every_row_of_a_table_says_something_on_both_sides() -> None:
    rows = [line for line in text("docs/seeds.md").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    assert [row for row in cells if len(row) != 2 or not all(row)] == []


def _section(name: str) -> str:
    parts = re.split(r'<a id="(\w+)"></a>', text("docs/seeds.md"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))[name].replace("\\|", "|")


def _mentions(body: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", body) is not None


def test_every_stage_of_the_photo_pipeline_is_named_with_its_number() -> None:
    stages = re.findall(r'Stage\(\s*(\d+), "(\w+)"', text("src/penstock/pipelines/photos/stages.py"))
    body = _section("photos")
    assert len(stages) == 8
    assert [name for number, name in stages if f"stage {number}, `{name}`" not in body] == []
