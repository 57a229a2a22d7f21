"""The settings of a content site: names, defaults, limits and what they mean. `penstock site set NAME KEY=VALUE`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from penstock.accounts import settingsform
from penstock.engine.errors import UsageError

Seconds = float


class ContentSettings(BaseModel):
    """Everything that a content site may set. A run keeps the settings that it started with."""

    model_config = ConfigDict(extra="forbid", validate_default=True, protected_namespaces=())

    on_blocking: Literal["rollback", "pause"] = Field("pause", description="what a blocking failure does to the run")
    overlap: bool = Field(False, description="let a stage start while an earlier one still has items")
    between_stage_delay: Seconds = Field(0, ge=0, le=3600, description="seconds between stages (makes them strict)")
    within_stage_delay: Seconds = Field(0, ge=0, le=3600, description="seconds between two batches of a stage")
    stage_1_batch_size: int = Field(
        50, ge=1, le=1000, description="keywords per call of a model; offline they are grouped all at once"
    )
    stage_2_batch_size: int = Field(10, ge=1, le=1000, description="clusters per batch")
    stage_3_batch_size: int = Field(50, ge=1, le=1000, description="ideas per batch")
    stage_4_batch_size: int = Field(5, ge=1, le=1000, description="tasks per batch")
    stage_5_batch_size: int = Field(10, ge=1, le=1000, description="articles per batch")
    stage_6_batch_size: int = Field(5, ge=1, le=1000, description="images per batch")
    cluster_distance: float = Field(
        0.5, gt=0, lt=1, description="offline: keywords further apart than this are not grouped (0 alike, 1 strangers)"
    )
    ideas_per_cluster: int = Field(1, ge=1, le=10, description="article ideas per cluster")
    images_per_article: int = Field(2, ge=0, le=8, description="pictures within an article, beside the featured one")
    near_duplicate_percent: int = Field(
        90, ge=50, le=100, description="titles and articles this alike are the same to the duplicate control"
    )
    image_width: int = Field(1200, ge=64, le=4096, description="pixels")
    image_height: int = Field(675, ge=64, le=4096, description="pixels")
    image_tries: int = Field(3, ge=1, le=10, description="tries per image")
    text_provider: Literal["offline", "ollama", "openai"] = Field(
        "offline",
        description="who has the ideas and writes: offline (templates of the program; samples, no model), ollama or "
        "openai (any OpenAI-compatible server); keywords are grouped offline in this version",
    )
    text_model: str = Field("", description="model of the provider")
    text_fallback_model: str = Field("", description="second model, tried when the first has failed a row")
    text_tries: int = Field(3, ge=1, le=10, description="tries of the first model: a call and its repairs")
    text_fallback_tries: int = Field(2, ge=1, le=10, description="tries of the fallback model")
    text_temperature: float = Field(0.4, ge=0, le=1, description="temperature asked of the model")
    text_num_ctx: int = Field(8192, ge=512, le=262144, description="context tokens asked of the model server")
    text_num_predict: int = Field(4096, ge=64, le=65536, description="answer tokens asked of the model server")
    least_words: int = Field(150, ge=0, le=10000, description="a model's article with fewer words is refused")
    ollama_url: str = Field("http://127.0.0.1:11434", description="address of the Ollama server")
    openai_url: str = Field("", description="base address of an OpenAI-compatible server")
    openai_key_env: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")
    first_byte_timeout: Seconds = Field(60, gt=0, le=3600, description="seconds until a warm model answers")
    cold_timeout: Seconds = Field(300, gt=0, le=3600, description="seconds until a cold model answers")
    token_timeout: Seconds = Field(30, gt=0, le=600, description="seconds between two pieces of an answer")
    total_timeout: Seconds = Field(600, gt=0, le=7200, description="seconds for one answer")
    text_retry_wait: Seconds = Field(1, ge=0, le=300, description="seconds before a text is tried again; doubles")
    image_provider: Literal["offline"] = Field(
        "offline", description="who makes the pictures: offline (plain drawings of the program itself)"
    )
    language: str = Field("en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="language of the pages")
    public_url_base: str = Field("", description="public address of the published articles")
    publish_samples: bool = Field(
        False, description="articles that offline templates wrote may be approved and published"
    )

    def model_post_init(self, _context: Any) -> None:
        """A model provider needs its model and its address."""
        if self.text_provider != "offline" and not self.text_model:
            raise UsageError("text_model: name the model of the provider, e.g. text_model=llama3.1:8b")
        if self.text_provider == "openai" and not self.openai_url:
            raise UsageError("openai_url: give the base address, e.g. openai_url=http://127.0.0.1:8000/v1")


def of(values: dict[str, Any]) -> ContentSettings:
    """Settings from what a site or a run has stored. Raises UsageError naming the key."""
    return settingsform.read(ContentSettings, values)


def change(site: Any, changes: dict[str, str]) -> None:
    """Set keys of a site from text. All or none; raises UsageError naming the key."""
    settingsform.change(ContentSettings, site, changes, "content")


def describe() -> list[tuple[str, Any, str]]:
    """(key, default, meaning) of every setting, in order."""
    return settingsform.describe(ContentSettings)
