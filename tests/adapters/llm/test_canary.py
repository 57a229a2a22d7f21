from __future__ import annotations

import asyncio
import io

from PIL import Image

from penstock.adapters.llm.canary import SIDE, Health, canary, picture
from penstock.adapters.llm.model import Progress
from penstock.engine.errors import Died, PenstockError, Unavailable

CRASH = Died("It died.", cause="crashed", detail="exit status 2")
SILENCE = Died("It said nothing.", cause="idle")


def health(*, alive: bool = True, sings: bool = True, breaker: int = 3) -> Health:
    async def is_alive() -> bool:
        return alive

    async def does_sing(progress: Progress) -> bool:
        return sings

    return Health("http://127.0.0.1:1", is_alive, does_sing, breaker)


def judge(one: Health, death: Died, item: str = "a.jpg") -> PenstockError:
    return asyncio.run(one.judge(death, item, lambda text: None))


def test_the_canarys_picture_is_a_real_one_and_large_enough_for_every_model() -> None:
    with Image.open(io.BytesIO(picture())) as image:
        image.load()
        assert image.size == (SIDE, SIDE)
    assert "canary" in canary(4096).prompt


def test_a_crash_is_the_items_when_the_server_lives_and_the_canary_sings() -> None:
    assert judge(health(), CRASH) is CRASH


def test_a_crash_is_the_servers_when_the_canary_dies_too() -> None:
    error = judge(health(sings=False), CRASH)
    assert isinstance(error, Unavailable)
    assert error.code == "model_sick"
    assert "exit status 2" in str(error)


def test_a_server_that_is_gone_is_unavailable_whatever_the_death_was() -> None:
    for death in (CRASH, SILENCE):
        error = judge(health(alive=False), death)
        assert isinstance(error, Unavailable)
        assert error.code == "model_unreachable"


def test_silence_on_one_item_again_and_again_stays_the_items() -> None:
    one = health()
    assert [judge(one, SILENCE) for _ in range(5)] == [SILENCE] * 5


def test_silence_on_different_items_in_a_row_is_the_servers_and_an_answer_between_clears_it() -> None:
    one = health(breaker=2)
    assert judge(one, SILENCE, "a") is SILENCE
    one.good()
    assert judge(one, SILENCE, "b") is SILENCE
    assert isinstance(judge(one, SILENCE, "c"), Unavailable)
    assert judge(one, SILENCE, "d") is SILENCE


def test_a_breaker_of_zero_never_trips() -> None:
    one = health(breaker=0)
    assert all(judge(one, SILENCE, str(number)) is SILENCE for number in range(20))
