import pytest

from llm_gateway.providers.retrying import advice_on_status, retrying


class Scripted:
    """Fails so often, then answers; keeps how long it was waited for."""

    def __init__(self, failures):
        self.calls = 0
        self.waits = []
        self._failures = failures

    async def attempt(self):
        self.calls += 1
        if self.calls <= self._failures:
            raise OSError(str(self.calls))
        return "done"

    async def sleep(self, seconds):
        self.waits.append(seconds)


async def ask(script, attempts, advice=lambda error: 0.0):
    return await retrying(
        script.attempt, attempts=attempts, advice=advice, sleep=script.sleep
    )


async def test_an_answer_ends_it():
    script = Scripted(failures=2)
    assert await ask(script, attempts=5) == "done"
    assert script.calls == 3
    assert script.waits == [1, 2]


async def test_waits_grow_up_to_ten_seconds():
    script = Scripted(failures=6)
    await ask(script, attempts=7)
    assert script.waits == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(("attempts", "calls"), [(0, 1), (1, 1), (3, 3)])
async def test_tries_are_all_of_them(attempts, calls):
    script = Scripted(failures=9)
    with pytest.raises(OSError, match=str(calls)):
        await ask(script, attempts)
    assert script.calls == calls


async def test_what_cannot_help_is_not_tried():
    script = Scripted(failures=1)
    with pytest.raises(OSError, match="1"):
        await ask(script, attempts=3, advice=lambda error: None)
    assert script.calls == 1


async def test_who_says_how_long_is_believed():
    script = Scripted(failures=2)
    await ask(script, attempts=3, advice=lambda error: 1.5)
    assert script.waits == [1.5, 2]


@pytest.mark.parametrize(
    ("status", "retry_after", "advice"),
    [
        (429, None, 0.0),
        (429, "7", 7.0),
        (503, "60", 60.0),
        (503, "61", None),
        (529, "Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
        (400, "1", None),
        (401, None, None),
        (404, None, None),
    ],
)
def test_advice_of_an_answer_by_http(status, retry_after, advice):
    assert advice_on_status(status, retry_after) == advice
