#include "providers/local_cli/local_cli_provider.h"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/async/worker_pool.h"
#include "base/os/clock.h"
#include "base/process/empty_directory.h"
#include "base/process/exec_program.h"
#include "base/process/subprocess.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json_lines.h"
#include "errors/fault.h"
#include "errors/time_limit.h"
#include "proto/proto_time.h"
#include "providers/local_cli/cli_output.h"
#include "providers/local_cli/cli_prompt.h"
#include "providers/unsupported_parameters.h"

namespace gateway {
namespace {

using Config = ::llmgateway::config::v1::LocalCliProvider;

constexpr std::string_view kOwnMark = "CLAUDECODE";

// Variables of the gateway's environment that any program needs.
constexpr std::string_view kInherited[] = {"PATH", "HOME", "LANG", "TMPDIR"};

// What follows the configured arguments. The prompt comes by the input. The
// tool gets no tools: neither its own nor those of servers that somebody has
// configured for it on this machine.
constexpr std::string_view kArguments[] = {"-p",
                                           "--max-turns",
                                           "1",
                                           "--tools",
                                           "",
                                           "--strict-mcp-config",
                                           "--no-session-persistence"};
constexpr std::string_view kWholeArguments[] = {"--output-format", "json"};
constexpr std::string_view kStreamArguments[] = {"--output-format",
                                                 "stream-json", "--verbose",
                                                 "--include-partial-messages"};

// How many bytes are kept of lines that are no JSON.
constexpr size_t kStrayBytesMax = 1024;

// How long the program may go on after its answer is complete.
constexpr absl::Duration kTidyUpTime = absl::Seconds(2);

v1::Usage UsageOf(int64_t input_tokens, std::string_view answer) {
  v1::Usage usage;
  usage.set_input_tokens(input_tokens);
  usage.set_output_tokens(EstimatedTokens(answer));
  usage.set_estimated(true);
  usage.set_cost_known(true);  // It costs nothing.
  return usage;
}

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::string_view ValueOf(const std::vector<std::string>& environment,
                         std::string_view name) {
  for (const std::string& variable : environment) {
    if (NameOf(variable) == name) {
      return std::string_view(variable).substr(name.size() + 1);
    }
  }
  return {};
}

// Returns which limit a signal tells of; empty for other signals.
std::string_view LimitOf(int signal) {
  if (signal == SIGXCPU) return "cpu_time_limit";
  if (signal == SIGXFSZ) return "file_bytes_limit";
  return {};
}

// Makes the fault for a program that printed no result but `output`.
absl::Status FailureOf(const Subprocess& process, std::string_view output) {
  const Subprocess::End& end = process.end();
  if (const std::string_view limit = LimitOf(end.signal); !limit.empty()) {
    // Not a reason that is retried: another attempt would go the same way.
    return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                     absl::StrCat("killed for its ", ToAbsl(limit)));
  }
  const std::string_view words =
      process.errors().empty() ? output : std::string_view(process.errors());
  if (end.signal != 0) {
    return CliFault(absl::StrCat("killed by signal ", end.signal), words);
  }
  if (end.code != 0)
    return CliFault(absl::StrCat("exit code ", end.code), words);
  return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                   "the program printed no result");
}

// Makes the fault for a result in which the tool says that it failed.
absl::Status FailureOf(const CliLine& result) {
  return CliFault(result.subtype.empty() ? "error" : result.subtype,
                  result.text);
}

}  // namespace

// One run of the program, which is ended by the destructor.
class LocalCliProvider::Run {
 public:
  Run(const LocalCliProvider& provider, ProviderCall& call)
      : provider_(provider),
        loop_(*call.loop),
        clock_(*call.clock),
        progress_(*call.progress),
        cancel_(*call.cancel),
        caller_left_(cancel_, [this] { stop_.Cancel(cancel_.status()); }) {}

  // Waits for a slot and starts the program.
  Task<absl::Status> Begin(const ProviderCall& call, bool stream);

  // As Subprocess::Read, but faults name the provider.
  Task<absl::StatusOr<bool>> Read(std::string* output);

  // Called when the answer is complete: the program is ended if it goes on for
  // long.
  void AnswerIsComplete() { loop_.ArmTimer(time_is_up_, kTidyUpTime); }

  const Subprocess& process() const { return *process_; }
  int64_t input_tokens() const { return input_tokens_; }

 private:
  const LocalCliProvider& provider_;
  EventLoop& loop_;
  Clock& clock_;
  AttemptProgress& progress_;
  CancelSignal& cancel_;
  CancelSignal stop_;  // Fires when the caller leaves, or time is up.
  CancelListener caller_left_;
  Timer time_is_up_{
      [this] { stop_.Cancel(absl::DeadlineExceededError("time is up")); }};
  std::unique_ptr<Subprocess> process_;
  int64_t input_tokens_ = 0;
};

Task<absl::Status> LocalCliProvider::Run::Begin(const ProviderCall& call,
                                                bool stream) {
  std::string prompt;
  // Not a parameter that is left out, so the policy for those does not apply.
  if (WantsJson(*call.request)) {
    v1::Warning& warning = call.warnings->emplace_back();
    warning.set_field("response_format");
    warning.set_message(
        "asked for in the prompt: the tool cannot be held to it");
  }
  const size_t warned = call.warnings->size();
  GATEWAY_CO_RETURN_IF_ERROR(
      provider_.WrapFault(co_await OffLoop(call.request_bytes, [&] {
        return WriteCliPrompt(*call.request, &prompt, call.warnings);
      })));
  if (call.is_kept_here) ForgiveStore(warned, call.warnings);
  GATEWAY_CO_RETURN_IF_ERROR(
      provider_.WrapFault(CheckDropped(provider_.setup_.unsupported_parameters,
                                       *call.request, *call.warnings, warned)));
  input_tokens_ = EstimatedTokens(prompt);
  absl::StatusOr<std::shared_ptr<ProcessSlots::Slot>> slot =
      co_await ProcessSlots::Take(provider_.slots_, cancel_);
  if (!slot.ok()) {
    if (cancel_.cancelled()) co_return cancel_.status();
    co_return provider_.WrapFault(
        MakeFault(v1::ERROR_REASON_OVERLOADED, ToStd(slot.status().message())));
  }
  Subprocess::Options options;
  options.command = provider_.CommandOf(call, stream);
  options.environment = provider_.environment_;
  options.directory = provider_.config_.working_directory();
  if (options.directory.empty()) {
    absl::StatusOr<std::string> empty =
        EmptyDirectory(ValueOf(provider_.environment_, "TMPDIR"));
    if (!empty.ok()) {
      co_return provider_.WrapFault(
          MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
                    ToStd(empty.status().message())));
    }
    options.directory = *std::move(empty);
  }
  options.cpu_time_limit = ToAbsl(provider_.config_.cpu_time_limit());
  options.file_bytes_limit = provider_.config_.file_bytes_limit();
  options.memory_bytes_limit = provider_.config_.memory_bytes_limit();
  options.input = prompt;
  options.output_bytes_limit =
      static_cast<size_t>(provider_.config_.output_bytes_limit());
  options.on_gone = [slot = *std::move(slot)]() mutable { slot.reset(); };
  if (call.departure != nullptr) {
    GATEWAY_CO_RETURN_IF_ERROR(co_await call.departure->Depart());
  }
  progress_.dispatched = clock_.SteadyTime();
  absl::StatusOr<std::unique_ptr<Subprocess>> process =
      Subprocess::Start(loop_, std::move(options));
  if (!process.ok()) {
    co_return provider_.WrapFault(
        MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
                  ToStd(process.status().message())));
  }
  process_ = *std::move(process);
  loop_.ArmTimer(time_is_up_, provider_.timeout_);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<bool>> LocalCliProvider::Run::Read(std::string* output) {
  const absl::StatusOr<bool> more = co_await process_->Read(output, stop_);
  if (more.ok()) {
    if (*more && progress_.first_byte == -absl::InfiniteDuration()) {
      progress_.first_byte = clock_.SteadyTime();
    }
    co_return *more;
  }
  if (cancel_.cancelled()) co_return cancel_.status();
  if (stop_.cancelled()) {
    // Not to be retried: the program had begun, and another run would do the
    // work again.
    progress_.http.sent = true;
    progress_.http.timed_out = true;
    absl::Status fault = MakeFault(
        v1::ERROR_REASON_PROVIDER_TIMEOUT,
        absl::StrCat("no end after ", absl::FormatDuration(provider_.timeout_),
                     " (timeout)"));
    AddTimeLimit(fault, "timeout");
    co_return provider_.WrapFault(fault);
  }
  co_return provider_.WrapFault(MakeFault(
      v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, ToStd(more.status().message())));
}

LocalCliProvider::LocalCliProvider(const ProviderSetup& setup,
                                   const Config& config,
                                   const std::vector<std::string>& inherited)
    : setup_(setup),
      config_(config),
      environment_(CliEnvironment(inherited, config)),
      timeout_(ToAbsl(config.timeout())),
      slots_(std::make_shared<ProcessSlots>(config.processes_limit())) {}

absl::Status LocalCliProvider::Obstacle() const {
  return FindProgram(config_.executable(), ValueOf(environment_, "PATH"))
      .status();
}

std::vector<std::string> LocalCliProvider::CommandOf(const ProviderCall& call,
                                                     bool stream) const {
  std::vector<std::string> command = {config_.executable()};
  command.insert(command.end(), config_.arguments().begin(),
                 config_.arguments().end());
  for (const std::string_view each : kArguments) command.emplace_back(each);
  if (stream) {
    command.insert(command.end(), std::begin(kStreamArguments),
                   std::end(kStreamArguments));
  } else {
    command.insert(command.end(), std::begin(kWholeArguments),
                   std::end(kWholeArguments));
  }
  // One argument with `=`, so that no name of a model can be taken for an
  // option.
  if (!call.model.empty()) {
    command.push_back(absl::StrCat("--model=", ToAbsl(call.model)));
  }
  return command;
}

absl::Status LocalCliProvider::WrapFault(const absl::Status& status) const {
  if (status.ok()) return status;
  absl::Status fault = AtPlace(setup_.name, status);
  AddFaultMetadata(fault, "provider", setup_.name);
  return fault;
}

Task<absl::Status> LocalCliProvider::Generate(ProviderCall& call,
                                              ProviderAnswer* answer) const {
  Run run(*this, call);
  GATEWAY_CO_RETURN_IF_ERROR(co_await run.Begin(call, /*stream=*/false));
  std::string output;
  for (bool more = true; more;) {
    GATEWAY_CO_ASSIGN_OR_RETURN(more, co_await run.Read(&output));
  }
  CliLine result;
  if (!ReadCliResult(output, &result).ok()) {
    co_return WrapFault(FailureOf(run.process(), output));
  }
  if (result.is_error) co_return WrapFault(FailureOf(result));
  if (WantsJson(*call.request)) {
    result.text = std::string(WithoutFence(result.text));
  }
  v1::GenerateResponse& response = *answer->response;
  response.set_model(result.model.empty() ? std::string(call.model)
                                          : std::move(result.model));
  *response.mutable_usage() = UsageOf(run.input_tokens(), result.text);
  v1::Choice& choice = *response.add_choices();
  choice.mutable_message()->set_role(v1::ROLE_ASSISTANT);
  choice.set_finish_reason(FinishReasonOfCli(result.stop_reason));
  choice.set_provider_finish_reason(std::move(result.stop_reason));
  choice.mutable_message()->add_parts()->set_text(std::move(result.text));
  response.mutable_extensions()->Swap(&result.extensions);
  answer->facts.usage = response.usage();
  answer->facts.has_usage = true;
  answer->facts.finish_reason = choice.finish_reason();
  co_return absl::OkStatus();
}

// A stream that reads the program's lines into events.
class LocalCliProvider::AnswerStream final : public ProviderStream {
 public:
  AnswerStream(const LocalCliProvider& provider, const ProviderCall& call,
               std::unique_ptr<Run> run)
      : provider_(provider),
        model_(call.model),
        // JSON is delivered whole, since a fence can only be taken off a text
        // that is whole.
        whole_only_(WantsJson(*call.request)),
        run_(std::move(run)),
        lines_(static_cast<size_t>(provider.config_.output_bytes_limit())) {}

  Task<absl::StatusOr<bool>> Next(StreamBatch* batch) override;
  const ResponseFacts& facts() const override { return facts_; }

 private:
  enum class PartKind { kNone, kText, kReasoning };

  absl::Status Take(std::string_view output, StreamBatch* batch);
  absl::Status TakeLine(std::string_view text, StreamBatch* batch);
  void AddStarted(const std::string& model, StreamBatch* batch);
  void AddText(std::string text, StreamBatch* batch);
  void AddReasoning(std::string text, StreamBatch* batch);
  v1::Delta* AddDelta(PartKind kind, StreamBatch* batch);
  absl::Status TakeResult(CliLine& result, StreamBatch* batch);

  const LocalCliProvider& provider_;
  const std::string model_;
  const bool whole_only_;
  const std::unique_ptr<Run> run_;
  JsonLines lines_;
  std::string text_;  // What was delivered so far.
  std::string stop_reason_;
  std::string stray_;  // The beginning of lines that were no JSON.
  PartKind open_ = PartKind::kNone;
  int parts_ = 0;
  bool started_ = false;
  bool complete_ = false;
  ResponseFacts facts_;
};

Task<absl::StatusOr<bool>> LocalCliProvider::AnswerStream::Next(
    StreamBatch* batch) {
  batch->Clear();
  std::string output;
  while (batch->events.empty()) {
    output.clear();
    const absl::StatusOr<bool> more = co_await run_->Read(&output);
    // Once the answer is complete, how the program ends does not matter.
    if (complete_ && (!more.ok() || !*more)) co_return false;
    if (!more.ok()) co_return more.status();
    if (complete_) continue;
    // The program's last line may lack its line feed.
    const bool ended = !*more;
    if (ended) output = lines_.AtLineBoundary() ? "" : "\n";
    const absl::Status taken = Take(output, batch);
    if (!taken.ok()) co_return provider_.WrapFault(taken);
    if (ended && !complete_) {
      co_return provider_.WrapFault(FailureOf(run_->process(), stray_));
    }
  }
  co_return true;
}

absl::Status LocalCliProvider::AnswerStream::Take(std::string_view output,
                                                  StreamBatch* batch) {
  const absl::Status fed = lines_.Feed(output);
  std::string_view line;
  while (lines_.Next(&line)) {
    if (complete_) continue;
    GATEWAY_RETURN_IF_ERROR(TakeLine(line, batch));
  }
  if (fed.ok()) return fed;
  return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                   ToStd(fed.message()));
}

absl::Status LocalCliProvider::AnswerStream::TakeLine(std::string_view text,
                                                      StreamBatch* batch) {
  CliLine line;
  if (!ReadCliLine(text, &line).ok()) {
    // Kept, since the program's end will tell whether this was a complaint.
    if (stray_.empty()) stray_ = std::string(text.substr(0, kStrayBytesMax));
    return absl::OkStatus();
  }
  if (!line.stop_reason.empty()) stop_reason_ = line.stop_reason;
  switch (line.kind) {
    case CliLine::Kind::kOther:
      break;
    case CliLine::Kind::kBegin:
      AddStarted(line.model, batch);
      break;
    case CliLine::Kind::kPiece:
      if (whole_only_) break;
      AddReasoning(std::move(line.thinking), batch);
      AddText(std::move(line.text), batch);
      break;
    case CliLine::Kind::kMessage:
      // Older versions of the tool send whole messages and no pieces.
      if (!whole_only_ && text_.empty()) AddText(std::move(line.text), batch);
      break;
    case CliLine::Kind::kResult:
      return TakeResult(line, batch);
  }
  return absl::OkStatus();
}

void LocalCliProvider::AnswerStream::AddStarted(const std::string& model,
                                                StreamBatch* batch) {
  if (started_) return;
  started_ = true;
  batch->events.emplace_back().mutable_started()->set_model(
      model.empty() ? model_ : model);
}

v1::Delta* LocalCliProvider::AnswerStream::AddDelta(PartKind kind,
                                                    StreamBatch* batch) {
  AddStarted("", batch);
  if (kind != open_) ++parts_;
  open_ = kind;
  ++batch->content_events;
  v1::Delta* delta = batch->events.emplace_back().mutable_delta();
  delta->set_part_index(parts_ - 1);
  return delta;
}

void LocalCliProvider::AnswerStream::AddText(std::string text,
                                             StreamBatch* batch) {
  if (text.empty()) return;
  text_ += text;
  AddDelta(PartKind::kText, batch)->set_text(std::move(text));
}

void LocalCliProvider::AnswerStream::AddReasoning(std::string text,
                                                  StreamBatch* batch) {
  if (text.empty()) return;
  AddDelta(PartKind::kReasoning, batch)->set_reasoning(std::move(text));
}

absl::Status LocalCliProvider::AnswerStream::TakeResult(CliLine& result,
                                                        StreamBatch* batch) {
  if (result.is_error) return FailureOf(result);
  if (text_.empty()) {
    AddText(whole_only_ ? std::string(WithoutFence(result.text))
                        : std::move(result.text),
            batch);
  }
  AddStarted("", batch);
  complete_ = true;
  run_->AnswerIsComplete();
  facts_.usage = UsageOf(run_->input_tokens(), text_);
  facts_.has_usage = true;
  facts_.usage_is_final = true;
  facts_.finish_reason = FinishReasonOfCli(stop_reason_);
  *batch->events.emplace_back().mutable_usage() = facts_.usage;
  v1::ChoiceEnd* end = batch->events.emplace_back().mutable_choice_end();
  ++batch->content_events;
  end->set_finish_reason(facts_.finish_reason);
  end->set_provider_finish_reason(stop_reason_);
  end->mutable_extensions()->Swap(&result.extensions);
  return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> LocalCliProvider::Stream(
    ProviderCall& call) const {
  auto run = std::make_unique<Run>(*this, call);
  GATEWAY_CO_RETURN_IF_ERROR(co_await run->Begin(call, /*stream=*/true));
  std::unique_ptr<ProviderStream> stream =
      std::make_unique<AnswerStream>(*this, call, std::move(run));
  co_return stream;
}

Task<absl::StatusOr<int64_t>> LocalCliProvider::CountTokens(
    ProviderCall&) const {
  co_return MakeFault(
      v1::ERROR_REASON_UNIMPLEMENTED,
      absl::StrCat(setup_.name, ": this provider does not count tokens"));
}

std::vector<std::string> CliEnvironment(
    const std::vector<std::string>& inherited, const Config& config) {
  std::vector<std::string> environment;
  for (const std::string& variable : inherited) {
    const std::string_view name = NameOf(variable);
    const bool wanted =
        std::find(std::begin(kInherited), std::end(kInherited), name) !=
            std::end(kInherited) ||
        std::find(config.inherit_environment().begin(),
                  config.inherit_environment().end(),
                  name) != config.inherit_environment().end();
    if (!wanted || name == kOwnMark || name.size() == variable.size() ||
        config.environment().contains(std::string(name))) {
      continue;
    }
    environment.push_back(variable);
  }
  for (const auto& [name, value] : config.environment()) {
    if (name == kOwnMark || value.empty()) continue;
    environment.push_back(absl::StrCat(name, "=", value));
  }
  return environment;
}

std::unique_ptr<Provider> MakeLocalCliProvider(const ProviderSetup& setup,
                                               const Config& config) {
  return std::make_unique<LocalCliProvider>(setup, config,
                                            InheritedEnvironment());
}

}  // namespace gateway
