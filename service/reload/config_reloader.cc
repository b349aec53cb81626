#include "service/reload/config_reloader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/os/file.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/config/applied_references.h"
#include "service/config/loader.h"
#include "service/reload/restart_fields.h"

namespace gateway {
namespace {

constexpr size_t kChangesMax = 1000;
// Of the problems of one configuration, as many are in the line of the log.
constexpr size_t kLoggedProblemsMax = 3;

constexpr std::string_view kResultLabels[] = {"result"};
constexpr MetricDefinition kReloads = {
    .name = "llmgw_config_reloads_total",
    .help =
        "Configurations that were to come into use: success, unchanged "
        "or refused.",
    .label_names = kResultLabels};
constexpr MetricDefinition kLastSuccessful = {
    .name = "llmgw_config_last_reload_successful",
    .help =
        "Whether the configuration file was in order when it was last "
        "read, and what was applied could be used at the start: 1 or 0.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kVersion = {
    .name = "llmgw_config_version",
    .help = "Number of the configuration in use.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kDamagedState = {
    .name = "llmgw_state_damaged_files",
    .help =
        "Files in runtime.state_dir that could not be read at a start, and "
        "were set aside.",
    .kind = MetricKind::kGauge};

std::string AppliedBy(std::string_view by) {
  return by.empty() ? "applied by an operator"
                    : absl::StrCat("applied by ", ToAbsl(by));
}

std::string_view NameOf(ConfigReloader::Trigger trigger) {
  switch (trigger) {
    case ConfigReloader::Trigger::kSignal:
      return "signal";
    case ConfigReloader::Trigger::kFiles:
      return "files";
    case ConfigReloader::Trigger::kOperator:
      break;
  }
  return "operator";
}

std::string FirstOf(const std::vector<ConfigProblem>& problems) {
  std::vector<std::string> first;
  for (const ConfigProblem& problem : problems) {
    if (first.size() == kLoggedProblemsMax) break;
    first.push_back(problem.ToString());
  }
  return absl::StrJoin(first, "; ");
}

std::vector<ConfigProblem> Sole(const std::string& source,
                                const absl::Status& status) {
  ConfigProblem problem;
  problem.source = source;
  problem.message = ToStd(status.message());
  return {problem};
}

}  // namespace

// --- At the start.

std::unique_ptr<ConfigReloader> ConfigReloader::Make(Options options,
                                                     ConfigReading file) {
  ConfigHistory history = ConfigHistory::Restore(*options.state);
  std::unique_ptr<ConfigReloader> reloader(
      new ConfigReloader(std::move(options), std::move(history)));
  reloader->ChooseFirst(std::move(file));
  return reloader;
}

ConfigReloader::ConfigReloader(Options options, ConfigHistory history)
    : options_(std::move(options)), history_(std::move(history)) {}

void ConfigReloader::ChooseFirst(ConfigReading file) {
  MutexLock lock(mu_);
  const std::string sha256 = Sha256Hex(file.text);
  read_sha256_ = sha256;
  file_config_ = file.snapshot->config();
  included_ = {options_.file, file.included};
  ConfigVersion version;
  version.text = file.text;
  std::vector<ConfigProblem> lost;
  const std::vector<ConfigVersion>& versions = history_.versions();
  if (!versions.empty() && versions.back().applied &&
      history_.file_sha256() == sha256) {
    ConfigReading applied = ReadText(versions.back());
    if (applied.snapshot != nullptr) {
      version.from_file = versions.back().from_file;
      version.applied = true;
      {
        MutexLock state_lock(state_mu_);
        files_of_file_ = std::move(file.files);
      }
      file = std::move(applied);
      version.text = file.text;
    } else {
      Log(LogLevel::kError, "config",
          "what an operator has applied cannot be used any more; the file is",
          {{"config", versions.back().source},
           {"problems", FirstOf(applied.problems)}});
      lost = std::move(applied.problems);
    }
  }
  first_ = file.snapshot;
  const bool same = !versions.empty() && versions.back().text == version.text &&
                    versions.back().applied == version.applied;
  version.number = versions.empty() ? 1 : versions.back().number + !same;
  version.etag = first_->etag();
  version.checksum = first_->checksum();
  version.source =
      version.applied ? versions.back().source : first_->source();
  version.load_time = first_->load_time();
  if (same) {
    history_.ReplaceLast(std::move(version), sha256);
  } else {
    history_.Add(std::move(version), sha256);
  }
  Keep(history_, /*must_be_kept=*/false).IgnoreError();
  SetState(file, *first_, /*settles=*/true);
  MutexLock state_lock(state_mu_);
  state_.of_applied = !lost.empty();
  state_.problems = std::move(lost);
  if (state_.of_applied) state_.refuse_time = options_.clock->WallTime();
}

void ConfigReloader::Begin(CurrentRuntime* runtime, Prepare prepare) {
  MutexLock lock(mu_);
  runtime_ = runtime;
  prepare_ = std::move(prepare);
  begun_.NotifyAll();
  if (options_.metrics == nullptr) return;
  shard_ = &options_.metrics->AddShard();
  // There from the beginning, so that the first is an increase.
  for (const std::string_view result : {"success", "unchanged", "refused"}) {
    shard_->CounterOf(kReloads, {result}).Add(0);
  }
  const bool applied_is_lost = state().of_applied;
  if (applied_is_lost) Count("refused");
  shard_->GaugeOf(kLastSuccessful, {}).Set(applied_is_lost ? 0 : 1);
  shard_->GaugeOf(kVersion, {}).Set(history_.versions().back().number);
  TellDamagedState();
}

void ConfigReloader::TellDamagedState() {
  if (shard_ == nullptr) return;
  shard_->GaugeOf(kDamagedState, {})
      .Set(static_cast<int64_t>(options_.state->damaged().size()));
}

void ConfigReloader::End() {
  MutexLock lock(mu_);
  ended_ = true;
  begun_.NotifyAll();
}

bool ConfigReloader::AwaitBegin(MutexLock& lock) {
  while (runtime_ == nullptr && !ended_) begun_.Wait(lock);
  return !ended_;
}

ConfigReloader::Result ConfigReloader::Ended() {
  return {.status = absl::UnavailableError("the gateway is shutting down"),
          .refusal = Refusal::kEnded};
}

// --- What may come into use.

ConfigReading ConfigReloader::ReadFileAsItIs() const {
  return ReadConfigFile(options_.kinds, options_.file, options_.environment,
                        options_.clock->WallTime());
}

ConfigReading ConfigReloader::ReadText(const ConfigVersion& version) {
  // What was the file's once may name what it named then.
  const AppliedReferences allowed(options_.kinds, file_config_, included_);
  // Of which paths count from its folder.
  const std::string& source =
      version.from_file ? options_.file : version.source;
  return ReadConfigForMachine(options_.kinds, version.text, source,
                              options_.environment, options_.clock->WallTime(),
                              version.from_file ? nullptr : &allowed);
}

ConfigReloader::Result ConfigReloader::Reload(Trigger trigger,
                                              bool validate_only) {
  MutexLock lock(mu_);
  if (!AwaitBegin(lock)) return Ended();
  // Whoever has looked at one that was set aside removes it, and asks for this.
  options_.state->FindDamaged();
  TellDamagedState();
  Candidate candidate;
  candidate.code = absl::StatusCode::kFailedPrecondition;
  candidate.trigger = NameOf(trigger);
  candidate.source = options_.file;
  candidate.must_be_kept = trigger == Trigger::kOperator;
  candidate.reading = ReadFileAsItIs();
  candidate.file_sha256 = Sha256Hex(candidate.reading.text);
  candidate.file_is_fine = candidate.reading.snapshot != nullptr;
  if (!validate_only) read_sha256_ = candidate.file_sha256;
  {
    MutexLock state_lock(state_mu_);
    if (!validate_only) files_of_file_ = candidate.reading.files;
  }
  const ConfigVersion& in_use = history_.versions().back();
  const bool keeps_applied =
      in_use.applied && candidate.file_sha256 == history_.file_sha256();
  if (keeps_applied) {
    // The secrets and certificates that it names may be others.
    candidate.reading = ReadText(in_use);
    candidate.source = in_use.source;
    candidate.from_file = in_use.from_file;
    candidate.applied = true;
  }
  Result result = Use(std::move(candidate), validate_only);
  result.applied_kept = keeps_applied && result.status.ok();
  return result;
}

absl::Status ConfigReloader::CheckEtag(std::string_view etag) {
  const std::string& in_use = history_.versions().back().etag;
  if (etag.empty() || etag == in_use) return absl::OkStatus();
  return absl::AbortedError(
      "another configuration is in use than the one that "
      "the etag is of");
}

ConfigReloader::Result ConfigReloader::Apply(const Applied& applied) {
  MutexLock lock(mu_);
  if (!AwaitBegin(lock)) return Ended();
  Candidate candidate;
  candidate.trigger = "operator";
  candidate.source = AppliedBy(applied.by);
  candidate.from_file = false;
  candidate.applied = true;
  candidate.must_be_kept = true;
  candidate.is_operators = true;
  const absl::Status etag = CheckEtag(applied.etag);
  if (!etag.ok()) {
    return Refused(candidate, {.status = etag, .refusal = Refusal::kEtag},
                   applied.validate_only);
  }
  candidate.file_sha256 = FileSha256();
  const AppliedReferences allowed(options_.kinds, file_config_, included_);
  candidate.reading = ReadConfigForMachine(
      options_.kinds, applied.text, candidate.source, options_.environment,
      options_.clock->WallTime(), &allowed);
  return Use(std::move(candidate), applied.validate_only);
}

ConfigReloader::Result ConfigReloader::Rollback(const RolledBack& asked) {
  MutexLock lock(mu_);
  if (!AwaitBegin(lock)) return Ended();
  Candidate candidate;
  candidate.trigger = "operator";
  candidate.source = AppliedBy(asked.by);
  candidate.must_be_kept = true;
  candidate.is_operators = true;
  candidate.code = absl::StatusCode::kFailedPrecondition;
  const absl::Status checked = CheckEtag(asked.etag);
  if (!checked.ok()) {
    return Refused(candidate, {.status = checked, .refusal = Refusal::kEtag},
                   asked.validate_only);
  }
  const std::vector<ConfigVersion>& versions = history_.versions();
  const ConfigVersion* const found =
      asked.version != 0     ? history_.Find(asked.version)
      : versions.size() >= 2 ? &versions[versions.size() - 2]
                             : nullptr;
  if (found == nullptr) {
    const absl::Status none = absl::NotFoundError(
        asked.version == 0
            ? "there was none before"
            : absl::StrCat("version ", asked.version, " is not kept"));
    return Refused(candidate, {.status = none, .refusal = Refusal::kNoVersion},
                   asked.validate_only);
  }
  ConfigVersion target = *found;
  candidate.file_sha256 = FileSha256();
  candidate.from_file = target.from_file;
  candidate.applied = Sha256Hex(target.text) != candidate.file_sha256;
  target.source = candidate.applied ? candidate.source : options_.file;
  candidate.source = target.source;
  candidate.reading = ReadText(target);
  return Use(std::move(candidate), asked.validate_only);
}

std::string ConfigReloader::FileSha256() const {
  // What nobody has read yet has to come into use with the next look.
  const bool is_there = ReadFile(options_.file, kConfigBytesLimit).ok();
  return is_there ? read_sha256_ : history_.file_sha256();
}

bool ConfigReloader::FileIsOther() {
  MutexLock lock(mu_);
  const absl::StatusOr<std::string> text =
      ReadFile(options_.file, kConfigBytesLimit);
  return text.ok() && Sha256Hex(*text) != read_sha256_;
}

// --- What comes into use, and what does not.

absl::StatusOr<ConfigReloader::Ready> ConfigReloader::MakeReady(
    Candidate& candidate, std::vector<ConfigProblem>* problems,
    Refusal* refusal) {
  *refusal = Refusal::kWrong;
  const auto wrong = [&](absl::StatusCode code) {
    return absl::Status(code, problems->empty() ? "the configuration is wrong"
                                                : problems->front().ToString());
  };
  ConfigReading& reading = candidate.reading;
  if (reading.snapshot == nullptr) {
    *problems = std::move(reading.problems);
    return wrong(candidate.code);
  }
  if (options_.strict && !reading.warnings.empty()) {
    *problems = std::move(reading.warnings);
    return wrong(candidate.code);
  }
  const ConfigSnapshot& next = *reading.snapshot;
  Ready ready;
  ready.before = runtime_->Get();
  for (std::string& path :
       RestartFields(ready.before->config(), next.config())) {
    ConfigProblem& problem = problems->emplace_back();
    problem.source = candidate.source;
    problem.path = std::move(path);
    problem.message =
        "is changed, which needs a restart; the rest of this configuration "
        "is in use once the field is as it was";
  }
  if (!problems->empty()) {
    *refusal = Refusal::kRestart;
    return wrong(absl::StatusCode::kFailedPrecondition);
  }
  absl::StatusOr<std::shared_ptr<const RuntimeSnapshot>> runtime =
      RuntimeSnapshot::Make(reading.snapshot, ready.before->ports(),
                            ready.before.get());
  if (!runtime.ok()) {
    *problems = Sole(candidate.source, runtime.status());
    return wrong(candidate.code);
  }
  absl::StatusOr<std::function<void()>> commit = prepare_(next);
  if (!commit.ok()) {
    *problems = Sole(candidate.source, commit.status());
    return wrong(candidate.code);
  }
  ready.runtime = *std::move(runtime);
  ready.commit = *std::move(commit);
  const ConfigVersion& in_use = history_.versions().back();
  ready.same = next.fingerprint() == ready.before->snapshot().fingerprint() &&
               in_use.source == candidate.source &&
               in_use.applied == candidate.applied;
  return ready;
}

absl::Status ConfigReloader::KeepVersion(const Candidate& candidate,
                                         const Ready& ready) {
  const ConfigSnapshot& next = ready.runtime->snapshot();
  const ConfigVersion& in_use = history_.versions().back();
  ConfigVersion version = in_use;
  version.text = candidate.reading.text;
  version.from_file = candidate.from_file;
  ConfigHistory history = history_;
  bool to_be_kept = true;
  if (ready.same) {
    to_be_kept = version.text != in_use.text ||
                 candidate.file_sha256 != history_.file_sha256();
    history.ReplaceLast(std::move(version), candidate.file_sha256);
  } else {
    version.number = in_use.number + 1;
    version.etag = next.etag();
    version.checksum = next.checksum();
    version.source = candidate.source;
    version.load_time = next.load_time();
    version.applied = candidate.applied;
    history.Add(std::move(version), candidate.file_sha256);
  }
  if (to_be_kept) {
    GATEWAY_RETURN_IF_ERROR(Keep(history, candidate.must_be_kept));
  }
  history_ = std::move(history);
  return absl::OkStatus();
}

ConfigReloader::Result ConfigReloader::Use(Candidate candidate,
                                           bool validate_only) {
  Result result;
  absl::StatusOr<Ready> ready =
      MakeReady(candidate, &result.problems, &result.refusal);
  if (!ready.ok()) {
    result.status = ready.status();
    return Refused(candidate, std::move(result), validate_only);
  }
  result.refusal = Refusal::kNone;
  result.warnings = candidate.reading.warnings;
  result.changes = DiffConfigs(ready->before->config(),
                               ready->runtime->config(), kChangesMax);
  result.version = history_.versions().back();
  if (validate_only) return result;
  // Files that are written as they were, or read again to be sure.
  const bool is_no_news = ready->same && refused_.empty() &&
                          candidate.trigger == NameOf(Trigger::kFiles) &&
                          candidate.reading.text == result.version.text;
  const absl::Status kept = KeepVersion(candidate, *ready);
  if (!kept.ok()) {
    candidate.is_operators = true;  // Nothing is wrong with the file.
    return Refused(candidate, {.status = kept, .refusal = Refusal::kNotKept},
                   validate_only);
  }
  result.version = history_.versions().back();
  if (candidate.from_file && !candidate.applied) {
    file_config_ = ready->runtime->config();
    included_ = {options_.file, candidate.reading.included};
  }
  if (!ready->same) {
    retired_.push_back(ready->before);
    runtime_->Swap(ready->runtime);
    ready->commit();
  }
  refused_.clear();
  if (!is_no_news) Count(ready->same ? "unchanged" : "success");
  // Nor do they say anything of what was applied before the start.
  const bool settles =
      state().of_applied ? !is_no_news : candidate.file_is_fine;
  if (shard_ != nullptr) {
    if (settles) shard_->GaugeOf(kLastSuccessful, {}).Set(1);
    shard_->GaugeOf(kVersion, {}).Set(result.version.number);
  }
  SetState(candidate.reading, ready->runtime->snapshot(), settles);
  // Last, so that whoever has read it finds all else so.
  if (!is_no_news) LogUse(candidate, result, ready->same);
  return result;
}

void ConfigReloader::LogUse(const Candidate& candidate, const Result& result,
                            bool same) {
  Log(LogLevel::kInfo, "config",
      same ? "configuration unchanged" : "configuration in use",
      {{"config", candidate.source},
       {"trigger", candidate.trigger},
       {"version", result.version.number},
       {"changes", result.changes.size()}});
  if (same) return;
  for (const ConfigProblem& warning : result.warnings) {
    Log(LogLevel::kWarn, "config", warning.message,
        {{"field", warning.path},
         {"config", warning.source},
         {"line", warning.place.line}});
  }
}

absl::Status ConfigReloader::Keep(const ConfigHistory& history,
                                  bool must_be_kept) {
  const absl::Status written = history.Write(*options_.state);
  if (written.ok()) return written;
  if (must_be_kept && absl::IsAborted(written)) return written;
  if (must_be_kept) return absl::FailedPreconditionError(written.message());
  Log(LogLevel::kError, "config",
      "the configuration is in use, and its version is not kept",
      {{"error", written}});
  return absl::OkStatus();
}

ConfigReloader::Result ConfigReloader::Refused(const Candidate& candidate,
                                               Result result,
                                               bool validate_only) {
  result.version = history_.versions().back();
  if (!validate_only && !WasTold(candidate, result)) {
    TellRefusal(candidate, result);
  }
  return result;
}

bool ConfigReloader::WasTold(const Candidate& candidate,
                             const Result& refused) {
  if (candidate.is_operators) return false;
  std::string what = candidate.file_sha256;
  for (const ConfigProblem& problem : refused.problems) {
    absl::StrAppend(&what, "\n", problem.ToString());
  }
  // Who asks is answered, however often.
  const bool is_watch = candidate.trigger == NameOf(Trigger::kFiles);
  const bool was_told = is_watch && what == refused_;
  refused_ = std::move(what);
  return was_told;
}

void ConfigReloader::TellRefusal(const Candidate& candidate,
                                 const Result& refused) {
  Count("refused");
  if (!candidate.is_operators) {
    if (shard_ != nullptr) shard_->GaugeOf(kLastSuccessful, {}).Set(0);
    MutexLock lock(state_mu_);
    state_.problems = refused.problems;
    state_.of_applied = false;
    state_.refuse_time = options_.clock->WallTime();
    Tell();
  }
  // Last, so that whoever has read it finds all else so. An operator is told by
  // his answer.
  Log(candidate.is_operators ? LogLevel::kWarn : LogLevel::kError, "config",
      "configuration refused; the one in use stays",
      {{"config", candidate.source},
       {"trigger", candidate.trigger},
       {"problems", refused.problems.size()},
       {"error", refused.problems.empty() ? ToStd(refused.status.message())
                                          : FirstOf(refused.problems)}});
}

void ConfigReloader::SetState(const ConfigReading& reading,
                              const ConfigSnapshot& in_use, bool settles) {
  MutexLock lock(state_mu_);
  state_.version = history_.versions().back();
  state_.version.text.clear();
  if (settles) {
    state_.problems.clear();
    state_.of_applied = false;
  }
  watches_files_ = in_use.config().runtime().watch_files();
  files_in_use_ = reading.files;
  Tell();
}

void ConfigReloader::Count(std::string_view result) {
  if (shard_ != nullptr) shard_->CounterOf(kReloads, {result}).Add(1);
}

// --- What others look at.

ConfigReloader::State ConfigReloader::state() const {
  MutexLock lock(state_mu_);
  return state_;
}

bool ConfigReloader::watches_files() const {
  MutexLock lock(state_mu_);
  return watches_files_;
}

std::vector<std::string> ConfigReloader::Files() const {
  MutexLock lock(state_mu_);
  std::vector<std::string> files = files_in_use_;
  files.insert(files.end(), files_of_file_.begin(), files_of_file_.end());
  files.push_back(options_.file);
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

std::unique_ptr<ConfigReloader::Subscription> ConfigReloader::Subscribe(
    std::function<void()> on_change) {
  MutexLock lock(state_mu_);
  const uint64_t id = ++subscribers_made_;
  subscribers_.emplace(id, std::move(on_change));
  return std::unique_ptr<Subscription>(new Subscription(*this, id));
}

ConfigReloader::Subscription::~Subscription() {
  MutexLock lock(reloader_.state_mu_);
  reloader_.subscribers_.erase(id_);
}

void ConfigReloader::Tell() {
  for (const auto& [_, on_change] : subscribers_) on_change();
}

bool ConfigReloader::ReleaseRetired(bool* released) {
  MutexLock lock(mu_);
  const auto gone = std::remove_if(
      retired_.begin(), retired_.end(),
      [](const auto& runtime) { return runtime.use_count() == 1; });
  *released = gone != retired_.end();
  retired_.erase(gone, retired_.end());
  return !retired_.empty();
}

}  // namespace gateway
