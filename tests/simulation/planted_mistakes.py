"""The mistakes that mutations.py plants, by the rule that they break; those
about money are in money_mistakes.py.

Each is a text of a source and what stands in its place. The text must be there
exactly once, which mutations_test.py sees to: a source that is changed takes
its mistakes along.
"""

from tests.simulation import money_mistakes
from tests.simulation.mistake import Mistake

_ATTEMPT = "service/pipeline/attempt.cc"
_BALANCING = "service/routing/balancing.cc"
_BREAKER = "service/resilience/circuit_breaker.cc"
_BUDGET = "service/resilience/retry_budget.cc"
_CREDENTIALS = "service/resilience/credential_pool.cc"
_EJECTION = "service/resilience/outlier_ejection.cc"
_HEDGED_ATTEMPT = "service/pipeline/hedged_attempt.cc"
_LIVE_ATTEMPT = "service/pipeline/live_attempt.cc"
_NEXT_ATTEMPT = "service/pipeline/next_attempt.cc"
_OPEN_STREAM = "service/pipeline/open_stream.cc"
_PIPELINE = "service/pipeline/pipeline.cc"
_PLAN = "service/pipeline/plan.cc"
_PROBER = "service/pipeline/health_prober.cc"
_PROVIDER_POLICY = "service/pipeline/provider_policy.cc"
_RUNTIME_SNAPSHOT = "service/pipeline/runtime_snapshot.cc"
_SELECTION = "service/routing/selection/model_selection.cc"
_SPLIT = "service/resilience/deadline_split.cc"
_STREAMED_ANSWER = "service/pipeline/streamed_answer.cc"
_TARGET_PERMIT = "service/pipeline/target_permit.cc"
_WHOLE_ANSWER = "service/pipeline/whole_answer.cc"

_CALLS = [
    Mistake(
        "a call that fails is told nothing", _WHOLE_ANSWER,
        "  (co_await sink.SendEnd(call, outcome)).IgnoreError();\n"
        "  co_return outcome;", "  co_return outcome;",
        said="is answered 0 times and told its end 0 times"),
    Mistake(
        "a call that is over is answered once more", _WHOLE_ANSWER,
        "const absl::Status sent = co_await sink.SendAnswer(call);",
        "const absl::Status sent = co_await sink.SendAnswer(call);\n"
        "    (co_await sink.SendEnd(call, outcome)).IgnoreError();",
        said="is answered 1 times and told its end 1 times"),
    Mistake(
        "attempts that fail are said to have answered", _LIVE_ATTEMPT,
        "attempt_.answered = outcome.ok();", "attempt_.answered = true;",
        said="attempts have answered"),
    Mistake(
        "a stream that broke off is asked for again", _STREAMED_ANSWER,
        "  GATEWAY_CO_RETURN_IF_ERROR(\n"
        "      co_await DeliverStream(call, attempt, sink, recorder, open, "
        "&recording));\n",
        "  const absl::Status delivered = co_await DeliverStream(\n"
        "      call, attempt, sink, recorder, open, &recording);\n"
        "  if (FaultReason(delivered) == v1::ERROR_REASON_STREAM_INTERRUPTED) "
        "{\n"
        "    co_return co_await AskTargets(call, call.attempts, &open);\n"
        "  }\n"
        "  GATEWAY_CO_RETURN_IF_ERROR(delivered);\n",
        said="after it has delivered output"),
    Mistake(
        "a stream is passed on before its content", _OPEN_STREAM,
        "if (batch.content_events > 0 || open->ended) {", "if (true) {"),
    Mistake(
        "a caller who leaves is not heard", _LIVE_ATTEMPT,
        "attempt->cancel.Cancel(work.status());", "",
        said="goes on after its caller has left"),
    Mistake(
        "no other target is asked", _NEXT_ATTEMPT,
        "bool MayGoElsewhere(const absl::Status& failure, bool abandoned) {",
        "bool MayGoElsewhere(const absl::Status& failure, bool abandoned) {\n"
        "  if (abandoned || !failure.ok()) return false;",
        said="was not asked"),
    Mistake(
        "attempts_limit is one more", "service/resilience/retry.cc",
        "attempts >= attempts_max_", "attempts >= attempts_max_ + 1",
        said="more often than attempts_limit"),
    Mistake(
        "a call makes one attempt more than it may", _NEXT_ATTEMPT,
        "if (attempts_ >= attempts_limit()) return std::nullopt;",
        "if (attempts_ > attempts_limit()) return std::nullopt;",
        said="attempts"),
    Mistake(
        "stale connections are replaced without end", _NEXT_ATTEMPT,
        "failed.progress.http.not_processed && !reconnected_",
        "failed.progress.http.not_processed",
        said="more often than attempts_limit"),
]

_TIME = [
    Mistake(
        "a call has no deadline", _PIPELINE,
        "call.loop.ArmTimer(timer_, timeout);", "",
        said="after its deadline"),
    Mistake(
        "a wait is begun that the deadline leaves no time for", _SPLIT,
        "return budget.remaining - wait >= budget.least_attempt;",
        "return budget.remaining - wait >= -absl::Hours(1);",
        said="asks nobody"),
    Mistake(
        "a stream without content is waited for without limit", _LIVE_ATTEMPT,
        "    first_content_limit_ = limits->first_content;\n", "",
        said="waits for content"),
    Mistake(
        "a stream has less than its least share of the time", _SPLIT,
        "std::min(total, std::max(ShareOf(budget), budget.least_share));",
        "std::min(total, ShareOf(budget));",
        said="up after"),
]

_BREAKERS = [
    Mistake(
        "a breaker never opens", _BREAKER,
        "bool CircuitBreaker::ShouldOpen(int64_t now_second) const {",
        "bool CircuitBreaker::ShouldOpen(int64_t now_second) const {\n"
        "  if (now_second >= 0) return false;",
        said="since its breaker has opened"),
    Mistake(
        "a breaker rests a millisecond less", _BREAKER,
        "open_until_.store(now + "
        "absl::ToInt64Nanoseconds(options_.open_duration)",
        "open_until_.store(now - 1000000 + "
        "absl::ToInt64Nanoseconds(options_.open_duration)"),
    Mistake(
        "a breaker rests a millisecond more", _BREAKER,
        "open_until_.store(now + "
        "absl::ToInt64Nanoseconds(options_.open_duration)",
        "open_until_.store(now + 1000000 + "
        "absl::ToInt64Nanoseconds(options_.open_duration)"),
    Mistake(
        "a breaker's window is a second longer", _BREAKER,
        "window_failures_.Sum(generation, now_second, seconds);",
        "window_failures_.Sum(generation, now_second, seconds + 1);"),
    Mistake(
        "a half-open breaker lets everybody through", _BREAKER,
        "if (probes_ >= options_.half_open_probes) return std::nullopt;", "",
        said="while it rests"),
    Mistake(
        "a breaker keeps the place of a probe that was given up", _BREAKER,
        "if (word_.load(std::memory_order_relaxed) == word) --probes_;",
        "if (word_.load(std::memory_order_relaxed) == word) probes_ += 0;"),
    Mistake(
        "a breaker counts what is no fault of the target", _BREAKER,
        "} else if (BlamesTarget(ClassifyFailure(outcome, abandoned))) {",
        "} else if (BlamesTarget(ClassifyFailure(outcome, abandoned)) || true) "
        "{"),
    Mistake(
        "a breaker is not asked", _TARGET_PERMIT,
        "if (!breaker.has_value()) {",
        "if (!breaker.has_value()) breaker = state.breaker.TryAcquire("
        "absl::InfiniteDuration());\n  if (!breaker.has_value()) {",
        said="while it rests"),
    Mistake(
        "a stream that breaks off is none of the breaker's business",
        _LIVE_ATTEMPT, "if (!goes_on || attempt_.permit->is_probe()) ",
        "if (!goes_on || attempt_.permit->is_probe() || true) "),
]

_RETRIES = [
    Mistake(
        "the budget of retries is not kept", _BUDGET,
        "if (in_flight >= Limit(active, in_flight)) {",
        "if (in_flight >= Limit(active, in_flight) + 1000) {",
        said="asks again beside"),
    Mistake(
        "places of the budget are not given back",
        "service/resilience/retry_budget.h",
        "if (count_ != nullptr) "
        "count_->fetch_sub(1, std::memory_order_relaxed);", "",
        said="the retry budget counts"),
    Mistake(
        "a hedge takes no place in the budget", _NEXT_ATTEMPT,
        "  if (!hedge_extra_.has_value()) co_return none;\n", "",
        said="asks again beside"),
    Mistake(
        "to go on to a target that fails itself takes no place", _NEXT_ATTEMPT,
        "const bool takes_place = place == Place::kTaken && "
        "Fails(StateOf(target));",
        "const bool takes_place = false && place == Place::kTaken;",
        said="asks again beside"),
    Mistake(
        "to go on to a target that is well takes a place", _NEXT_ATTEMPT,
        "const bool takes_place = place == Place::kTaken && "
        "Fails(StateOf(target));",
        "const bool takes_place = place == Place::kTaken;",
        said="was not asked"),
    Mistake(
        "a hedge is made a millisecond early", _HEDGED_ATTEMPT,
        "call.loop.ArmTimer(timer, delay);",
        "call.loop.ArmTimer(timer, delay - absl::Milliseconds(1));",
        said="the last of which has been asked for"),
    Mistake(
        "a hedge that lost goes on", _HEDGED_ATTEMPT,
        "  attempt.cancel.Cancel(MakeFault(v1::ERROR_REASON_CANCELLED,\n"
        "                                  \"another target was first to "
        "answer\"));\n", ""),
]

_DEAD_PROVIDER = [
    Mistake(
        "retries do not wait", _NEXT_ATTEMPT,
        "co_await Sleep(call_.loop, repeat->delay, call_.work_cancel()));",
        "co_await Sleep(call_.loop, absl::ZeroDuration(), "
        "call_.work_cancel()));",
        said="requests to a dead provider", alone=True),
]

_CREDENTIAL_MISTAKES = [
    Mistake(
        "a credential cools a millisecond less", _CREDENTIALS,
        "const int64_t until = now_nanos + absl::ToInt64Nanoseconds(",
        "const int64_t until = now_nanos - 1000000 + "
        "absl::ToInt64Nanoseconds("),
    Mistake(
        "a credential that cools is sent", _CREDENTIALS,
        "if (from <= now_nanos) return {.index = turn};",
        "if (from != kNever) return {.index = turn};",
        said="which cools"),
    Mistake(
        "a credential that is out is sent again", _CREDENTIALS,
        "if (from <= now_nanos) return {.index = turn};",
        "if (from <= now_nanos || from == kNever) return {.index = turn};",
        said="which is out"),
    Mistake(
        "a credential that is refused is not taken out", _CREDENTIALS,
        "return is_keyless() ? Change::kNone : TakeOut(condition);",
        "return Change::kNone;",
        said="out would be right"),
    Mistake(
        "a provider without credentials does not rest", _PROVIDER_POLICY,
        "if (credentials.empty()) {", "if (false) {",
        said="would be right"),
    Mistake(
        "a credential that serves again stays out",
        "service/pipeline/credential_outcome.cc",
        "if (attempt.last_resort && pool.TakeBack(index)) {",
        "if (attempt.last_resort && false) {"),
    Mistake(
        "a spent limit that a head tells of is not kept", _CREDENTIALS,
        "             ? Cool(condition, now, *resets_in, /*predicted=*/true)\n",
        "             ? Change::kNone\n"),
    Mistake(
        "a limit that a head tells of counts from the first content on",
        "service/pipeline/credential_outcome.cc",
        "if (resets_in.has_value()) *resets_in -= since_head;", ""),
    Mistake(
        "no other credential stands in for one that has met its limit",
        _NEXT_ATTEMPT,
        "if (!HasUsable(*pool, asked.without_access, now)) ",
        "if (!HasUsable(*pool, asked.without_access, now) || "
        "now > absl::ZeroDuration()) ",
        said="another credential"),
]

_EJECTIONS = [
    Mistake(
        "the last target may be ejected", _EJECTION,
        "std::min(targets * options_.max_ejected_percent / 100, targets - 1), "
        "0)",
        "std::min(targets * options_.max_ejected_percent / 100, targets), 0)",
        said="are ejected, of which"),
    Mistake(
        "a target is out a millisecond less", _EJECTION,
        "target.ejected_until_.store(now + length",
        "target.ejected_until_.store(now - 1000000 + length"),
    Mistake(
        "ejections do not grow longer", _EJECTION,
        "++target.times_ejected_;", ""),
    Mistake(
        "a target that is back has its whole weight", _EJECTION,
        "if (back >= slow_start) return kFullWeight;", "return kFullWeight;"),
    Mistake(
        "the weight of a target that is back counts for nothing",
        _RUNTIME_SNAPSHOT,
        "load->weight_permille = static_cast<uint32_t>(weight);",
        "load->weight_permille = 1000;",
        said="is asked first by"),
    Mistake(
        "an ejected target is asked like others", _RUNTIME_SNAPSHOT,
        "load->avoided = true;", "load->avoided = false;",
        said="could be asked"),
]

_PROBES = [
    Mistake(
        "a provider that limits is no longer there for its probes", _PROBER,
        "(!outcome.ok() && BlamesTarget(ClassifyFailure(outcome)))",
        "!outcome.ok()"),
    Mistake(
        "a probe takes as long as it likes", _PROBER,
        "loop.ArmTimer(timer, ToAbsl(check.timeout()));", "",
        said="takes longer than its time"),
    Mistake(
        "probes come twice as often", _PROBER,
        "Jittered(interval, *runtime->ports().random)",
        "Jittered(interval / 2, *runtime->ports().random)",
        said="sooner than its interval lets"),
    Mistake(
        "probes come half as often", _PROBER,
        "Jittered(interval, *runtime->ports().random)",
        "Jittered(2 * interval, *runtime->ports().random)",
        said="is late by"),
    Mistake(
        "who fails his probes is asked like others", _RUNTIME_SNAPSHOT,
        ".avoided = target.probes.failing(),", ".avoided = false,",
        said="could be asked"),
    Mistake(
        "one failed probe is enough to be avoided",
        "service/resilience/provider_probes.h",
        "kFailuresToAvoid = 2;", "kFailuresToAvoid = 1;",
        said="could be asked"),
]

_ROUTES = [
    Mistake(
        "weights count for nothing", _BALANCING,
        "weights_.push_back(targets[target].weight);", "weights_.push_back(1);",
        said="in place of"),
    Mistake(
        "turns do not go on", "service/routing/weighted_turns.h",
        "taken_.fetch_add(1, std::memory_order_relaxed)",
        "taken_.fetch_add(0, std::memory_order_relaxed)",
        said="in place of"),
    Mistake(
        "whose latency is not known is never asked", _BALANCING,
        "} else if (one.load.in_flight == 0) {", "} else if (false) {",
        said="in place of"),
    Mistake(
        "priorities count for nothing", _BALANCING,
        "        is.priority,\n", "        0 * is.priority,\n",
        said="could be asked"),
    Mistake(
        "what a node needs counts for nothing", _SELECTION,
        "if (!is_strict()) wanted = WantedBy(node_);", "",
        said="which lacks what it needs"),
    Mistake(
        "what a call names counts for nothing", _SELECTION,
        "  wanted.capabilities |= query_.capabilities;\n", "",
        said="which lacks what it needs"),
    Mistake(
        "the dearest is chosen", _SELECTION,
        "return std::tie(b.score, a.price, a.place) <\n"
        "           std::tie(a.score, b.price, b.place);",
        "return std::tie(a.score, a.price, a.place) <\n"
        "           std::tie(b.score, b.price, b.place);"),
    Mistake(
        "a model that rests is chosen", "service/routing/model_selector.cc",
        "if (load.usable) return {};", "return {};"),
    Mistake(
        "a model whose probes fail is chosen like others",
        "service/routing/model_selector.cc",
        "if (load.usable && load.avoided) {",
        "if (load.usable && load.avoided && false) {",
        said="or does not come last"),
    Mistake(
        "nobody is asked after a chosen model", "service/routing/router.cc",
        "plan_.rule.any = selection->fallbacks;", "",
        said="was not asked"),
]

_ROLLOUT = [
    Mistake(
        "who is outside of the rollout goes by the rules", _PLAN,
        "if (!IsRolledOutTo(*call.runtime,",
        "if (false && !IsRolledOutTo(*call.runtime,",
        said="where it is not sent"),
    Mistake(
        "who is outside of the rollout is refused, baseline or not",
        "service/pipeline/rollout_route.cc",
        "if (baseline.provider().empty()) return NotRolledOut(\"\");",
        "if (true) return NotRolledOut(\"\");"),
    Mistake(
        "an operator who changes the share is not heard",
        "service/routing/rollout_switch.cc",
        "if (later.percentage.has_value()) percentage = later.percentage;",
        ""),
    Mistake(
        "calls under way hear of another share", _PLAN,
        "absl::StatusOr<PlannedTarget> TargetWalk::Next("
        "const absl::Status& failure) {",
        "absl::StatusOr<PlannedTarget> TargetWalk::Next("
        "const absl::Status& failure) {\n"
        "  if (!call_.runtime->rollout().now().Includes(RolloutSubject(\"\", "
        "admitted_.scope.user_id, call_.facts.request_id))) return failure;",
        said="was not asked"),
]

_OF_PROVIDERS = [
    Mistake(
        "a provider's own breaker is the common one",
        "service/resilience/resilience_state.cc",
        "    LayOver(resilience.circuit_breaker(), &special);\n", ""),
    Mistake(
        "a provider's own attempts_limit is the common one", _PROVIDER_POLICY,
        "LayOver(provider.resilience().retry(), &retry);",
        "static_cast<void>(provider);",
        said="more often than attempts_limit"),
    Mistake(
        "one more is under way with a provider than may be", _TARGET_PERMIT,
        "load->TryEnter(limit);",
        "load->TryEnter(limit + 1);",
        said="requests under way, where"),
    Mistake(
        "attempts that fail count as under way until the call ends", _ATTEMPT,
        "  place = ProviderPlace();\n", ""),
    Mistake(
        "a provider's own limit to the first content is not kept",
        _PROVIDER_POLICY, "limits.first_content = first_content;", "",
        said="waits for content"),
]

_OF_MODELS = [
    Mistake(
        "a model's own breaker is its provider's",
        "service/resilience/resilience_state.cc",
        "      LayOver(model.circuit_breaker(), &of_model);\n", "",
        said="would be right"),
    Mistake(
        "a model's own attempts_limit is its provider's", _PROVIDER_POLICY,
        "LayOver(model.retry(), &retry);", "",
        said="more often than attempts_limit"),
    Mistake(
        "any number may be under way with a model", _PROVIDER_POLICY,
        "if (policy.concurrent_attempts_limit != 0) {",
        "if (policy.concurrent_attempts_limit < 0) {",
        said="requests under way, where"),
    Mistake(
        "a model's own limit to the first content is not kept",
        _PROVIDER_POLICY,
        "policy.limits.first_content = ToAbsl(timeouts.first_content());", "",
        said="waits for content"),
    Mistake(
        "a stream has the time of a whole answer to its first byte",
        _LIVE_ATTEMPT,
        "call_.facts.stream ? policy_.stream_first_byte : policy_.first_byte;",
        "policy_.first_byte;",
        said="for its first byte"),
]

_COMPARED = [
    Mistake(
        "who fails a little more often than the mean is ejected", _EJECTION,
        "below * below * kMillion <= factor * factor * spread;",
        "factor > below * below * kMillion + spread;",
        said="would be right"),
    Mistake(
        "who fails more often is not ejected", _EJECTION,
        "ejected += Eject(*outlier.target, Reason::kSuccessRate, now_nanos);",
        "ejected += outlier.target == nullptr;",
        said="would be right"),
    Mistake(
        "the slowest is not ejected", _EJECTION,
        "const int64_t median = compared[count / 2].mean_micros;",
        "const int64_t median = compared[0].mean_micros;",
        said="would be right"),
    Mistake(
        "who is slower by less than the margin is ejected", _EJECTION,
        "           interval.mean_micros <= median + margin;",
        "           interval.mean_micros + margin <= median;",
        said="would be right"),
    Mistake(
        "more than the share of the targets are ejected for being slow",
        _EJECTION, "if (out >= EjectedMax()) return false;",
        "if (out >= EjectedMax() && reason != Reason::kLatency) return false;",
        said="are ejected, of which"),
]

_OPERATORS = [
    Mistake(
        "a disabled model is asked where no other can be", _TARGET_PERMIT,
        "if (state.availability.disabled()) {",
        "if (state.availability.disabled() && !state.breaker.IsAskable(now)) {",
        said="which is disabled"),
    Mistake(
        "a disabled model is not passed over for another", _RUNTIME_SNAPSHOT,
        "const bool usable = LetsCallsThrough(target, now);",
        "const bool usable = target.breaker.IsAskable(now);"),
    Mistake(
        "a disabled model is chosen where others only rest",
        "service/routing/model_selector.cc",
        "if (completed->passed_over < kind) obstacle.why.clear();",
        "if (completed->passed_over < kind ||\n"
        "          completed->passed_over == PassedOver::kOutOfUse) {\n"
        "        obstacle.why.clear();\n"
        "      }",
        said="asks nobody and fails with"),
    Mistake(
        "who enables a model is not heard", "service/api/circuit_document.cc",
        "target.availability.Enable();", "",
        said="against the operator's word"),
    Mistake(
        "a circuit that is forced open lets calls through", _BREAKER,
        "if (state == State::kForcedOpen) return std::nullopt;", "",
        said="while it rests"),
    Mistake(
        "a circuit that is forced to count opens", _BREAKER,
        "(state == State::kClosed && ShouldOpen(second))",
        "(state != State::kOpen && ShouldOpen(second))",
        said="would be right"),
    Mistake(
        "a circuit that is reset is not closed",
        "service/api/circuits_admin.cc",
        "    target->breaker.Reset(now);\n", "",
        said="would be right"),
    Mistake(
        "who is reset stays ejected", "service/api/circuits_admin.cc",
        "  resilience.outliers.Reset(provider, model, now);\n", "",
        said="would be right"),
    Mistake(
        "a provider's credentials stay out when it is reset",
        "service/api/circuits_admin.cc",
        "if (model.empty()) resilience.providers.ResetCredentials(provider);",
        "",
        said="would be right"),
    Mistake(
        "a node keeps its model when its time is over",
        "service/routing/selection/node_overrides.cc",
        "return now < place->expire_time ? &*place : nullptr;",
        "return place->set_time <= now ? &*place : nullptr;",
        said="where it is not sent"),
    Mistake(
        "what an operator gives serves whatever a call names", _SELECTION,
        "const Wanted wanted = {.capabilities = query_.capabilities};",
        "const Wanted wanted;",
        said="which lacks what it needs"),
    Mistake(
        "what an operator gives counts for nothing",
        "service/routing/model_selector.cc",
        "whole.override_policy = EffectiveOverride(",
        "EffectiveOverride(",
        said="where override:"),
]

_LIMITS = [
    Mistake(
        "what a refused call has taken is not given back",
        "service/limits/counter_store.cc",
        "      if (before.state == State::kTaken) GiveBack(before, request);\n",
        "      if (false) GiveBack(before, request);\n",
        said="is refused by a limit"),
    Mistake(
        "calls that are over count as under way",
        "service/limits/call_counters.h",
        "->fetch_sub(1,", "->fetch_sub(0,",
        said="is refused by a limit"),
    Mistake(
        "twice the burst is let in", "service/limits/gcra.h",
        "const int64_t wait = end - now - tolerance_;",
        "const int64_t wait = end - now - 2 * tolerance_;",
        said="is let in, and the limit"),
    Mistake(
        "a full limit of a provider lets calls in",
        "service/pipeline/attempts.cc",
        "    if (!taken) {\n",
        "    if (!taken && false) {\n",
        said="is let in, and the limit"),
    Mistake(
        "a limit does not tell users apart", "service/limits/limit_rule.cc",
        "    key = Combine(key, subject.KeyOf(dimension));\n",
        "    subject.KeyOf(dimension);\n",
        said="is refused by a limit"),
]

_CHANCE = [
    Mistake(
        "chance is the machine's", "service/resilience/backoff.cc",
        "* random.UniformDouble()",
        "* (random.UniformDouble(), SystemRandom().UniformDouble())",
        said="another trace"),
    Mistake(
        "an address decides who is asked", _BALANCING,
        "const uint64_t drawn = DrawBelow(call.query.random, sums.back());",
        "const uint64_t drawn = (DrawBelow(call.query.random, sums.back()) + "
        "reinterpret_cast<uintptr_t>(&group) / 16) % sums.back();",
        said="another trace"),
    Mistake(
        "a hash of the process decides who sticks to whom", _BALANCING,
        "return StableHash(key, \"sticky session\");",
        "return MixBits(StableHash(key) ^ "
        "reinterpret_cast<uintptr_t>(&StickyHash));",
        said="another trace"),
]

MISTAKES = (_CALLS + _TIME + _BREAKERS + _RETRIES + _DEAD_PROVIDER +
            _CREDENTIAL_MISTAKES + _EJECTIONS + _COMPARED + _PROBES + _ROUTES +
            _ROLLOUT + _OF_PROVIDERS + _OF_MODELS + _OPERATORS + _LIMITS +
            _CHANCE + money_mistakes.MISTAKES)
