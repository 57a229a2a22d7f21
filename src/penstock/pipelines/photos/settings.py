"""The settings of a photo site: names, defaults, limits and what they mean. `penstock site set NAME KEY=VALUE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from penstock.accounts import settingsform
from penstock.engine.errors import UsageError

Seconds = float
Provider = Literal["template", "ollama", "openai"]


class PhotoSettings(BaseModel):
    """Everything that a photo site may set. A run keeps the settings that it started with."""

    model_config = ConfigDict(extra="forbid", validate_default=True, protected_namespaces=())

    on_blocking: Literal["rollback", "pause"] = Field("rollback", description="what a blocking failure does to the run")
    overlap: bool = Field(True, description="photos move on as soon as their stage settles")
    between_stage_delay: Seconds = Field(0, ge=0, le=3600, description="seconds between stages (makes them strict)")
    within_stage_delay: Seconds = Field(0, ge=0, le=3600, description="seconds between two batches of a stage")
    stage_1_batch_size: int = Field(50, ge=1, le=1000, description="files looked at per batch")
    stage_2_batch_size: int = Field(16, ge=1, le=1000, description="files copied or moved per batch")
    stage_3_batch_size: int = Field(16, ge=1, le=1000, description="photos read per batch")
    stage_4_batch_size: int = Field(100, ge=1, le=1000, description="rows queued per batch")
    stage_5_batch_size: int = Field(32, ge=1, le=1000, description="photos scored per batch")
    stage_6_batch_size: int = Field(32, ge=1, le=1000, description="photos resized per batch")
    stage_7_batch_size: int = Field(4, ge=1, le=1000, description="photos captioned per batch")
    max_megapixels: int = Field(300, ge=1, le=2000, description="larger pictures are refused before they are decoded")
    child_memory_mb: int = Field(
        3072,
        ge=0,
        le=65536,
        description="address space of a worker in MiB (0 = unlimited), so that a hostile picture fails alone; the "
        "largest that is let in needs 2000; add three times the size of model weights",
    )
    step_idle_limit: Seconds = Field(120, gt=0, le=86400, description="seconds without progress of a local step")
    step_hard_limit: Seconds = Field(600, gt=0, le=86400, description="seconds for one local step of one photo")
    near_duplicate_bits: int = Field(8, ge=0, le=16, description="perceptual hashes this close are near duplicates")

    brisque_model: str = Field(
        "", description="folder or file of a BRISQUE model; empty = the installed `brisque` package"
    )
    nima_weights: str = Field("", description="local ONNX file of a NIMA model; empty = fallback formula")
    clip_weights: str = Field(
        "", description="local folder of the CLIP aesthetic model (ONNX); empty = fallback formula"
    )
    classifier_weights: str = Field("", description="local folder of a zero-shot classifier (ONNX); empty = off")

    caption_provider: Provider = Field("template", description="who writes the texts: template, ollama or openai")
    caption_model: str = Field("", description="model of the provider, e.g. qwen2.5vl:3b")
    caption_fallback_model: str = Field("", description="second model, tried when the first has failed a photo")
    caption_template_fallback: bool = Field(True, description="a template text when every model has failed a photo")
    caption_second_look: bool = Field(True, description="an independent look at the picture before the text: evidence")
    caption_tries: int = Field(3, ge=1, le=10, description="tries of the first model per photo")
    caption_fallback_tries: int = Field(2, ge=1, le=10, description="tries of the fallback model per photo")
    keywords_count: int = Field(12, ge=10, le=15, description="keywords per photo")
    caption_num_ctx: int = Field(4096, ge=512, le=262144, description="context tokens asked of the model server")
    caption_num_predict: int = Field(512, ge=64, le=8192, description="answer tokens asked of the model server")
    caption_temperature: float = Field(
        0.1, ge=0, le=1, description="temperature of the first try; rises by 0.1 per try"
    )
    ollama_url: str = Field("http://127.0.0.1:11434", description="address of the Ollama server")
    openai_url: str = Field(
        "", description="base address of an OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1"
    )
    openai_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    connect_timeout: Seconds = Field(3, gt=0, le=300, description="seconds to reach the model server")
    first_byte_timeout: Seconds = Field(60, gt=0, le=3600, description="seconds until a warm model answers")
    cold_timeout: Seconds = Field(300, gt=0, le=3600, description="seconds until a cold model answers")
    token_timeout: Seconds = Field(30, gt=0, le=600, description="seconds between two pieces of an answer")
    total_timeout: Seconds = Field(420, gt=0, le=7200, description="seconds for one answer")
    caption_idle_limit: Seconds = Field(
        330, gt=0, le=7200, description="seconds without progress before the watchdog ends a caption"
    )
    caption_hard_limit: Seconds = Field(900, gt=0, le=86400, description="seconds for one caption")
    caption_retry_wait: Seconds = Field(1, ge=0, le=300, description="seconds before a caption is tried again; doubles")
    expect_processor: Literal["any", "gpu", "cpu"] = Field("any", description="warn when the model runs elsewhere")
    rule_packs: list[str] = Field(default_factory=list, description="rule packs that are on; empty = all that ship")
    rules_dir: str = Field("", description="folder with the site's own rule packs (*.toml)")

    full_size: tuple[int, int] = Field((1500, 1000), description="the published picture fits into this")
    thumb_size: tuple[int, int] = Field((548, 365), description="the thumbnail fits into this")
    quality: int = Field(88, ge=40, le=100, description="JPEG quality of what is published")
    watermark: str = Field("", max_length=120, description="text written on published pictures; | starts a second line")
    watermark_image: str = Field("", description="picture (PNG or WebP) pasted on published pictures instead of a text")
    watermark_position: Literal["bottom-right", "bottom-left", "top-right", "top-left", "center"] = Field(
        "bottom-right", description="where the watermark stands"
    )
    watermark_opacity: int = Field(100, ge=1, le=100, description="percent of the watermark that hides what is below")
    watermark_width: int = Field(15, ge=1, le=100, description="width of the watermark's picture, percent of the whole")
    creator: str = Field("", max_length=200, description="who made the pictures; embedded in what is published")
    copyright: str = Field("", max_length=500, description="whose they are, e.g. (c) 2026 Ann; embedded as well")
    keep_metadata: bool = Field(
        False, description="publish what else the camera wrote: lens, software, owner, serial numbers"
    )
    keep_gps: bool = Field(False, description="publish the place where a photo was taken")
    spelling_language: Literal["en", "de", "nl", "fr", "es", "it", "pt"] = Field(
        "en", description="the language in which the review looks for spelling mistakes"
    )
    public_url_base: str = Field("", description="public address of the published pictures")

    @field_validator("full_size", "thumb_size")
    @classmethod
    def _positive(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not all(16 <= side <= 20000 for side in value):
            raise ValueError("both sides must be 16 to 20000 pixels")
        return value

    @field_validator("caption_model")
    @classmethod
    def _stripped(cls, value: str) -> str:
        return value.strip()

    def model_post_init(self, _context: Any) -> None:
        """A model provider needs its model and its address."""
        if self.caption_provider != "template" and not self.caption_model:
            raise UsageError("caption_model: name the model of the provider, e.g. caption_model=qwen2.5vl:3b")
        if self.caption_provider == "openai" and not self.openai_url:
            raise UsageError(
                "openai_url: give the base address of the server, e.g. openai_url=http://127.0.0.1:8000/v1"
            )


def of(values: dict[str, Any]) -> PhotoSettings:
    """Settings from what a site or a run has stored. Raises UsageError naming the key."""
    return settingsform.read(PhotoSettings, values)


def change(site: Any, changes: dict[str, str]) -> None:
    """Set keys of a site from text. All or none; raises UsageError naming the key."""
    settingsform.change(PhotoSettings, site, changes, "photo", _value)


def describe() -> list[tuple[str, Any, str]]:
    """(key, default, meaning) of every setting, in order."""
    return settingsform.describe(PhotoSettings)


def _value(key: str, text: str) -> Any:
    """Text as typed on a command line: JSON for lists, "1500x1000" for sizes, otherwise what pydantic makes of it."""
    kind = str(PhotoSettings.model_fields[key].annotation)
    if "tuple" in kind:
        return [part.strip() for part in text.lower().replace(",", "x").split("x")]
    if "list" in kind:
        return [part.strip() for part in text.split(",") if part.strip()]
    if key.endswith(("_weights", "_dir")) or key in ("brisque_model", "watermark_image"):
        return str(Path(text).expanduser().absolute())
    return text
