"""Who answers Tasks: paid calls to a model, many at a time, each reserved before it is sent and never made twice.

A call that fails on its way (limits, errors, hangs, cut answers) is sent again under the same key, later each time and no sooner
than the server says; an answer that is no good is asked for again, a new call. Both are bounded: then the Task is SetAside with
its reason. What no repetition mends (key refused, quota out, money out, server gone) ends everything with one error, once the
calls under way have come back, so that none that was paid is lost. No word of a server's error is repeated: it may hold the key.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Generic
from weakref import WeakValueDictionary

from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from proda_core.clock import Clock, SystemClock
from proda_core.config import CallsConfig, TeacherConfig
from proda_core.errors import BudgetExhausted, ConfigError, JobError, ProdaError, SetAside, TeacherError
from proda_core.ids import digest
from proda_core.ledger import Call, CallJournal, Settled
from proda_core.teachers.llm.asking import T, Task
from proda_core.teachers.llm.journal_queue import JournalQueue
from proda_core.teachers.llm.models import build_model, speaks_schemas
from proda_core.teachers.llm.prices import prices_of
from proda_core.teachers.llm.questions import A, Question, TaskQuestion
from proda_core.teachers.llm.trouble import Trouble, trouble_of

_GONE_AFTER = 3  # calls given up in a row, none answered in between: it is the server and not the question
_REFUSED_AFTER = 5  # requests rejected before any was answered: it is how we ask and not what
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_IDEMPOTENCY = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Means:
    """What an asker works with besides its configuration: the money it may still go to, and how it is told to end."""

    limit: Callable[[], float | None] = lambda: None
    should_stop: Callable[[], bool] = lambda: False
    clock: Clock = field(default_factory=SystemClock)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    model: Model | None = None  # in place of the one that the configuration names


class _Again(Exception):
    """The call is to be sent again; ``after_s`` when the server said how long to wait."""

    def __init__(self, after_s: float | None = None) -> None:
        self.after_s = after_s


@dataclass(slots=True)
class _Sending(Generic[A]):
    """One call on its way: what is asked, and how often it failed."""

    question: Question[A]
    call: Call
    rejected: str
    failures: int = 0
    native: bool = True  # as it was last sent


class ModelAsker:
    """The Asker of one job, of one event loop. ``async with`` closes its connections and its journal.

    ConfigError where the budget counts money and no price is known.
    """

    def __init__(
        self, journal: CallJournal, config: TeacherConfig, calls: CallsConfig, means: Means | None = None
    ) -> None:
        if config.model is None:
            raise ConfigError("teacher.model names no model: set it as provider:name")
        self._config, self._calls, self._means = config, calls, means or Means()
        self._prices = prices_of(config.model, calls)
        if self._means.limit() is not None and not self._prices.known:
            raise ConfigError(
                f"budget.money counts what {config.model} costs, and its price is not known: set calls.input_price and "
                "calls.output_price (0 for a server of your own)"
            )
        self._model = self._means.model or build_model(config.model, calls.base_url)
        self._native = speaks_schemas(self._model)
        self._journal, self._queue = journal, JournalQueue(journal)
        self._slots = asyncio.Semaphore(calls.concurrency)
        self._moved = asyncio.Event()  # set, and another one made, whenever a call comes back
        self._same: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._open = AsyncExitStack()
        self._backoff = wait_exponential_jitter(multiplier=0.5, max=_LONGEST_PAUSE_S, jitter=1.0)
        self._under_way = self._landings = self._given_up = self._rejections = 0
        self._not_before = 0.0
        self._silent_since: float | None = None  # when the server last began to answer nobody
        self._answered_once = False
        self._over: ProdaError | None = None

    @property
    def name(self) -> str:
        return self._config.model or ""

    @property
    def model(self) -> Model:
        """The model that is asked: to be looked at, and not to be sent anything beside this asker."""
        return self._model

    @property
    def concurrency(self) -> int:
        """Calls under way at once at most: asking more Tasks at a time than that only makes them wait."""
        return self._calls.concurrency

    async def __aenter__(self) -> ModelAsker:
        self._open.callback(self._journal.close)
        self._open.push_async_callback(self._queue.close)
        await self._open.enter_async_context(self._model)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.__aexit__(kind, error, trace)

    async def ask(self, task: Task[T]) -> T:
        """The answer, from the journal where it was paid for before."""
        return await self.answer(TaskQuestion(task))

    def key(self, question: Question[A]) -> str:
        """What the journal knows a question by."""
        return digest(
            {
                **question.about(),
                "model": self.name,
                "temperature": self._config.temperature,
                "max_output_tokens": self._config.max_output_tokens,
            }
        )

    async def answer(self, question: Question[A]) -> A:
        """As ``ask``, for any sort of question."""
        key = self.key(question)
        lock = self._same.setdefault(key, asyncio.Lock())
        async with lock:  # the same question twice at once is one call
            known = await self._queue.do(lambda: self._journal.answer(key))
            if known is not None:
                return question.read(known)
            most = self._prices.cost(question.most_tokens(), self._config.max_output_tokens)
            return await self._ask_until_good(question, key, most)

    async def _ask_until_good(self, question: Question[A], key: str, most: int) -> A:
        rejected = ""
        for attempt in range(1, self._calls.retries + 2):
            ended = await self._queue.do(partial(self._journal.ending, key, attempt))
            if ended is not None:  # asked before a kill, and no good
                rejected = ended
                continue
            call = Call(key, attempt, question.kind, self.name, most, self._calls.idempotent)
            came = await self._answered(_Sending(question, call, rejected))
            rejected, answer = came
            if answer is not None:
                return answer
        raise SetAside(
            rejected, f"{self._calls.retries + 1} answers to a call for {question.kind} were no good"
        )

    async def _answered(self, sending: _Sending[A]) -> tuple[str, A | None]:
        """How the call ended and what it gave, after as many sendings as it takes."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_Again), wait=self._wait, sleep=self._means.pause, reraise=True
        )
        return await retrying(self._send, sending)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.after_s if isinstance(error, _Again) else None
        if asked is None or asked < _LEAST_PAUSE_S:  # a server that says 0 would be asked without end
            return float(self._backoff(state))
        return asked + random.uniform(0, min(1.0, 0.1 * asked))  # not all at the same moment

    async def _send(self, sending: _Sending[A]) -> tuple[str, A | None]:
        async with self._slots:
            await self._reserve(sending.call)
            try:
                return await self._request(sending)
            except AgentRunError as error:
                trouble = trouble_of(error, native=sending.native)
                land = partial(self._journal.land, sending.call, charged=trouble.maybe_charged)
                await self._queue.do(land)
            finally:  # a call that was cancelled stays reserved in the journal: nobody knows what it cost
                self._under_way -= 1
                self._landings += 1
                self._wake()
        await self._meet(trouble, sending)
        raise _Again(trouble.after_s)

    async def _request(self, sending: _Sending[A]) -> tuple[str, A | None]:
        """Send once and settle what came back."""
        sending.native = self._native
        sent_out = sending.question.put(native=sending.native, rejected=sending.rejected)
        settings = self._settings(sending.call)
        response = await model_request(
            self._model,
            sent_out.messages,
            model_settings=settings,
            model_request_parameters=sent_out.parameters,
        )
        ending, answer = sending.question.judge(response)
        sent, answered = response.usage.input_tokens, response.usage.output_tokens
        # a server that does not say what it counted is taken at its most
        cost = self._prices.cost(sent, answered) if sent or answered else sending.call.most
        said = "" if answer is None else sending.question.write(answer)
        how = Settled(ending, sent, answered, cost, said)
        await self._queue.do(partial(self._journal.settle, sending.call, how))
        self._silent_since, self._given_up, self._answered_once = None, 0, True
        return ending, answer

    def _settings(self, call: Call) -> ModelSettings:
        return ModelSettings(
            max_tokens=self._config.max_output_tokens,
            temperature=self._config.temperature,
            timeout=self._calls.timeout_s,
            request_timeout=self._calls.timeout_s,
            max_retries=0,  # each sending is reserved, so nobody else may send
            extra_headers={_IDEMPOTENCY: self._journal.key(call)},
        )

    async def _reserve(self, call: Call) -> None:
        """Wait for the server's word and for money that calls under way may still free; then reserve one sending."""
        while (wait := self._not_before - self._means.clock.monotonic()) > 0:
            await self._means.pause(wait)
        while not await self._granted(call):
            await self._until(partial(self._changed_since, self._landings))

    def _changed_since(self, landings: int) -> bool:
        return self._landings != landings or not self._under_way or self._over is not None

    async def _granted(self, call: Call) -> bool:
        """Reserve one sending. False when there is no money for it now, but calls under way may leave some."""
        if self._means.should_stop():
            await self._end(JobError("cancelled"))
        if self._over is not None:
            await self._end(self._over)
        self._under_way += 1
        granted = False
        try:
            await self._queue.do(partial(self._begin, call))
            granted = True
        except BudgetExhausted as error:
            if self._under_way > 1:
                return False
            self._over = error
        finally:
            if not granted:
                self._under_way -= 1
                self._wake()
        if self._over is not None and not granted:
            await self._end(self._over)
        return True

    def _begin(self, call: Call) -> None:
        self._journal.begin(call, self._means.limit())

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._moved.wait()

    async def _end(self, error: ProdaError) -> None:
        """Ask nothing more: raise the first error that said so, when the calls under way have come back."""
        self._over = self._over or error
        await self._until(lambda: not self._under_way)
        raise self._over

    async def _meet(self, trouble: Trouble, sending: _Sending[A]) -> None:
        """Decide what a failed sending means: go on, set this one aside, or end everything."""
        now = self._means.clock.monotonic()
        if trouble.fatal:
            await self._end(TeacherError(f"{self.name}: {trouble.said}; {trouble.remedy}"))
        if trouble.no_schemas:
            self._native = False
            return
        if trouble.rejected:
            self._rejections += 1
            if not self._answered_once and self._rejections >= _REFUSED_AFTER:
                await self._end(
                    TeacherError(f"{self.name}: {trouble.said}, at every request; check teacher.*, calls.*")
                )
            raise SetAside(trouble.reason, trouble.said)
        if trouble.everybody:
            await self._be_patient(trouble, now)
            return
        sending.failures += 1
        if sending.failures > self._calls.retries:
            await self._give_up(trouble)

    async def _be_patient(self, trouble: Trouble, now: float) -> None:
        """The server is gone or limits everybody: wait as it says, up to the patience it is given."""
        self._silent_since = now if self._silent_since is None else self._silent_since
        waited = now - self._silent_since + (trouble.after_s or 0.0)
        if waited > self._calls.patience_s:
            await self._end(
                TeacherError(
                    f"{self.name}: {trouble.said}, and no answer for {waited:.0f} s (calls.patience_s); what was answered is "
                    "kept: proda resume goes on when the server is back"
                )
            )
        if trouble.after_s is not None:
            self._not_before = max(self._not_before, now + trouble.after_s)

    async def _give_up(self, trouble: Trouble) -> None:
        self._given_up += 1
        if self._given_up >= _GONE_AFTER:
            await self._end(
                TeacherError(
                    f"{self.name}: {trouble.said}, at {_GONE_AFTER} calls one after the other; see to the server, then "
                    "proda resume"
                )
            )
        raise SetAside(trouble.reason, f"{trouble.said}, {self._calls.retries + 1} times")
