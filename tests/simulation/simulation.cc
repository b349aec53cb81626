#include "tests/simulation/simulation.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/os/logging.h"
#include "google/protobuf/arena.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/budgets/budget_ledger_state.h"
#include "service/ledger/ledger_log.h"
#include "service/ledger/ledger_writer.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/answer_sink.h"
#include "service/pipeline/call.h"
#include "service/pipeline/call_directives.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/health_prober.h"
#include "service/pipeline/pipeline.h"
#include "service/pipeline/recorder.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/summary/call_summary.h"
#include "tests/simulation/call_rules.h"
#include "tests/simulation/operator_deed.h"
#include "tests/simulation/simulated_ledger.h"
#include "tests/simulation/simulated_provider.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/simulated_time.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

// The caller's end of a call.
class SimulatedCaller final : public AnswerSink {
 public:
  SimulatedCaller(size_t call, const ScenarioCall& scripted, CallRules& rules)
      : call_(call), scripted_(scripted), rules_(rules) {}

  Task<absl::Status> SendAnswer(Call& call) override {
    std::string text;
    const v1::GenerateResponse& response =
        *call.DecidingAttempt()->answer.response;
    for (const v1::Choice& choice : response.choices()) {
      for (const v1::Part& part : choice.message().parts()) text += part.text();
    }
    rules_.Answers(call_, text, call.loop.Now());
    co_return absl::OkStatus();
  }

  Task<absl::Status> SendBatch(Call& call, StreamBatch& batch) override {
    for (const v1::GenerateEvent& event : batch.events) {
      if (!event.has_delta()) continue;
      rules_.Delivers(call_, event.delta().text(), call.loop.Now());
    }
    co_return co_await Sleep(call.loop, scripted_.reads_for, call.cancel);
  }

  Task<absl::Status> SendEnd(Call& call, const absl::Status& outcome) override {
    rules_.TellsEnd(call_, outcome, call.loop.Now());
    co_return absl::OkStatus();
  }

 private:
  const size_t call_;
  const ScenarioCall& scripted_;
  CallRules& rules_;
};

class Simulation {
 public:
  Simulation(const Scenario& scenario, EventTrace* trace)
      : scenario_(scenario),
        random_(~scenario.seed),
        begin_(time_.SteadyTime()),
        rules_(scenario, begin_, trace) {
    std::vector<ProviderRegistry::Entry> entries;
    uint64_t seed = scenario.seed;
    for (const ProviderScript& script : scenario.providers) {
      seed += 0x632be59bd9b4e019;
      entries.push_back({.name = script.name,
                         .kind = "openai_compatible",
                         .provider = std::make_unique<SimulatedProvider>(
                             script, seed, begin_, rules_)});
    }
    if (rules_.money() != nullptr) {
      ledger_.emplace(*scenario.money, time_, *rules_.money());
    }
    runtime_ = MakeTestRuntimeWith(
        scenario.Yaml(),
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &time_,
         .random = &random_,
         .secure_random = &random_,
         .ledger = ledger_.has_value() ? &ledger_->writer() : nullptr},
        scenario.Environment());
    rules_.Watch(runtime_->resilience());
    if (ledger_.has_value()) {
      rules_.money()->Watch({.clock = &time_,
                             .table = &runtime_->budget_table(),
                             .writer = &ledger_->writer(),
                             .state = &ledger_->state()});
    }
    current_.emplace(runtime_);
    prober_.emplace(*current_);
  }

  std::vector<std::string> Run() {
    runner_.Run(RunAll());
    rules_.SimulationEnds(time_.SteadyTime());
    if (ledger_.has_value()) {
      ledger_->writer().Close();
      rules_.money()->SimulationEnds(ledger_->disk(), *summary_);
    }
    return rules_.broken();
  }

 private:
  Task<void> RunAll() {
    const bool probes = std::any_of(
        scenario_.providers.begin(), scenario_.providers.end(),
        [](const ProviderScript& each) { return each.settings.is_probed(); });
    if (probes) Spawn(Probe());
    if (ledger_.has_value()) Spawn(WriteLedger());
    ++running_;
    Spawn(ChangeRollout());
    if (!scenario_.deeds.empty()) {
      operator_.emplace(scenario_, *current_, runner_.loop());
      ++running_;
      Spawn(Operate());
    }
    for (size_t i = 0; i < scenario_.calls.size(); ++i) {
      const absl::Duration at = begin_ + scenario_.calls[i].at;
      (co_await Sleep(runner_.loop(), at - time_.SteadyTime(), never_))
          .IgnoreError();
      ++running_;
      Spawn(RunOne(i));
    }
    while (running_ > 0) co_await ended_.Wait();
    rules_.ProbingEnds();
    prober_->StopOnLoop();
    while (probing_) co_await ended_.Wait();
    if (ledger_.has_value()) ledger_->End();
    while (writing_) co_await ended_.Wait();
  }

  Task<void> WriteLedger() {
    writing_ = true;
    co_await ledger_->Run(runner_.loop());
    writing_ = false;
    ended_.Set();
  }

  Task<void> Probe() {
    probing_ = true;
    co_await prober_->Run(runner_.loop(), client_);
    probing_ = false;
    ended_.Set();
  }

  Task<void> ChangeRollout() {
    for (const ScenarioRollout::Change& change : scenario_.rollout.changes) {
      const absl::Duration wait = begin_ + change.at - time_.SteadyTime();
      (co_await Sleep(runner_.loop(), wait, never_)).IgnoreError();
      rules_.RolloutChanges(change.share, time_.SteadyTime());
      runtime_->rollout().Override(
          {.enabled = change.share > 0, .percentage = change.share / 100.0});
    }
    if (--running_ == 0) ended_.Set();
  }

  Task<void> Operate() {
    for (const OperatorDeed& deed : scenario_.deeds) {
      const absl::Duration wait = begin_ + deed.at - time_.SteadyTime();
      (co_await Sleep(runner_.loop(), wait, never_)).IgnoreError();
      rules_.OperatorActs(deed, time_.SteadyTime());
      const absl::Status answer = co_await operator_->Do(deed);
      rules_.OperatorIsAnswered(deed, answer);
    }
    if (--running_ == 0) ended_.Set();
  }

  void AddNeed(const ScenarioNeed& need, v1::GenerateRequest* request) {
    v1::Selection& selection = *request->mutable_selection();
    selection.set_node_name(scenario_.nodes[need.node].name);
    for (const std::string_view word : CapabilityWords(need.capabilities)) {
      selection.add_capabilities(std::string(word));
    }
    selection.set_strategy(static_cast<v1::Selection::Strategy>(
        static_cast<int>(need.strategy) + 1));
  }

  Task<void> RunOne(size_t number) {
    const ScenarioCall& scripted = scenario_.calls[number];
    const std::string id = absl::StrCat(number);
    google::protobuf::Arena arena;
    CancelSignal cancel;
    v1::GenerateRequest request;
    request.set_model(scenario_.routes[scripted.route].model);
    v1::Message& message = *request.add_messages();
    message.set_role(v1::ROLE_USER);
    message.add_parts()->set_text(PromptOf(scripted));
    if (scripted.output_tokens_limit.has_value()) {
      request.set_max_output_tokens(*scripted.output_tokens_limit);
    }
    if (scripted.work_order != 0) {
      request.mutable_scope()->set_work_order_id(
          absl::StrCat("order-", scripted.work_order));
    }
    if (scripted.session != 0) {
      request.mutable_scope()->set_session_id(absl::StrCat(scripted.session));
    }
    if (scripted.user != 0) {
      request.mutable_scope()->set_user_id(
          absl::StrCat("user-", scripted.user));
    }
    if (scripted.need.has_value()) AddNeed(*scripted.need, &request);
    CallDirectives directives;
    directives.timeout = scripted.timeout;
    Timer leaves([this, number, &cancel] {
      rules_.CallerLeaves(number, time_.SteadyTime());
      cancel.Cancel(absl::CancelledError("the caller has left"));
    });
    rules_.CallBegins(number, time_.SteadyTime());
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.facts.request_id = id;
    call.facts.model = request.model();
    call.facts.stream = scripted.stream;
    call.facts.directives = &directives;
    call.request = &request;
    if (scripted.leaves_after != absl::InfiniteDuration()) {
      runner_.loop().ArmTimer(leaves, scripted.leaves_after);
    }
    if (rules_.money() != nullptr) rules_.money()->CallBegins(number, call);
    SimulatedCaller caller(number, scripted, rules_);
    const absl::Status outcome = co_await RunCall(call, caller, recorder_);
    leaves.Cancel();
    rules_.CallEnds(number, call, outcome, time_.SteadyTime());
    if (--running_ == 0) ended_.Set();
  }

  std::unique_ptr<CallSummary> MakeSummary() {
    return rules_.money() == nullptr ? nullptr : CallSummary::Open({}, time_);
  }

  const Scenario& scenario_;
  SimulatedTime time_;
  FakeRandom random_;
  const absl::Duration begin_;
  CallRules rules_;
  LoopRunner runner_{time_};
  NoHttpClient client_;
  CancelSignal never_;
  std::optional<SimulatedLedger> ledger_;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
  std::optional<CurrentRuntime> current_;
  std::optional<HealthProber> prober_;
  std::optional<SimulatedOperator> operator_;
  bool probing_ = false;
  bool writing_ = false;
  MetricRegistry registry_{time_};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  // Of what is made here no sum is kept where there is no money.
  std::unique_ptr<CallSummary> summary_ = MakeSummary();
  Recorder recorder_{nullptr,
                     metrics_.AddShard(),
                     feed_,
                     /*health=*/nullptr,
                     /*loop=*/0,
                     summary_ == nullptr
                         ? std::nullopt
                         : std::optional(summary_->AddShard())};
  int running_ = 0;
  WakeUp ended_;
};

}  // namespace

std::vector<std::string> Simulate(const Scenario& scenario, EventTrace* trace) {
  // A trace says more.
  SetLogLevels({.level = LogLevel::kOff});
  return Simulation(scenario, trace).Run();
}

}  // namespace gateway
