// ConfigReloader puts another configuration into use while calls run: the file
// as it is now, a text that an operator applies, or one that was in use before.
//
//   const std::unique_ptr<ConfigReloader> reloader =
//       ConfigReloader::Make(options, std::move(reading));
//   CurrentRuntime runtime(MakeRuntime(reloader->first()));
//   reloader->Begin(&runtime, prepare);
//   ...
//   const ConfigReloader::Result result =
//       reloader->Reload(ConfigReloader::Trigger::kSignal);
//
// It is all or nothing: a configuration with a mistake, or one that differs in
// what needs a restart, changes nothing. What is wrong with it is told by the
// result, by metrics, by state() and, when all of these tell it, by a line of
// the log. Where files are as they were, good or bad, their watch tells nothing
// again.
//
//   llmgw_config_reloads_total{result}      `success`, `unchanged`, `refused`
//   llmgw_config_last_reload_successful     1 or 0
//   llmgw_config_version                    counts from 1
//   llmgw_state_damaged_files               as of the start, or of a reload
//
// What an operator has applied is in use until the file changes or until he
// goes back. With a state folder that outlasts the process; where it cannot be
// used any more, the file is, and that is told as a refusal is. What an
// operator asks for is refused if it cannot be kept there, since the process
// after this one would not have it.
//
// Snapshots that are replaced are kept until the calls that hold them are over,
// and destroyed by ReleaseRetired: on no event loop.
//
// Thread-safe, from Begin on. All but state() and Subscribe block on files and
// on each other: never on an event loop.

#ifndef SERVICE_RELOAD_CONFIG_RELOADER_H_
#define SERVICE_RELOAD_CONFIG_RELOADER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "providers/provider_kind.h"
#include "service/config/applied_references.h"
#include "service/config/config_diff.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/reload/config_history.h"
#include "service/state/state_store.h"

namespace gateway {

class ConfigReloader {
 public:
  enum class Trigger { kSignal, kFiles, kOperator };

  struct Options {
    ProviderKinds kinds;
    std::string file;  // The configuration file's path.
    Environment environment;
    bool strict = false;  // Warnings count as problems.
    // All borrowed; `metrics` may be null.
    StateStore* state = nullptr;
    MetricRegistry* metrics = nullptr;
    Clock* clock = &SystemClock();
  };

  // Makes ready what else `next` needs, such as listeners' certificates, and
  // returns what puts it into use. Nothing has changed if it fails.
  using Prepare = std::function<absl::StatusOr<std::function<void()>>(
      const ConfigSnapshot& next)>;

  // Why a configuration did not come into use.
  enum class Refusal {
    kNone,       // It did, or would have.
    kWrong,      // A text or a file is wrong, as `problems` say.
    kRestart,    // It needs a restart, for the fields that `problems` name.
    kNotKept,    // The state folder cannot be written.
    kEtag,       // Another one is in use than the etag is of.
    kNoVersion,  // There is none of this number.
    kEnded,      // The gateway is shutting down.
  };

  struct Result {
    // INVALID_ARGUMENT for a text that is wrong, FAILED_PRECONDITION for a file
    // that is, for what needs a restart and for what could not be kept, ABORTED
    // for another etag, NOT_FOUND for no such version, UNAVAILABLE after the
    // end. Then nothing has changed.
    absl::Status status;
    Refusal refusal = Refusal::kNone;
    std::vector<ConfigProblem> problems;
    std::vector<ConfigProblem> warnings;
    ConfigVersion version;  // In use now.
    std::vector<ConfigDifference> changes;
    // Of Reload(): what an operator has applied stays in use, since the file is
    // as it was then.
    bool applied_kept = false;
  };

  // How things are.
  struct State {
    ConfigVersion version;  // In use; without its text.
    // What is wrong with the file as it is now; empty if nothing.
    std::vector<ConfigProblem> problems;
    // They are of what an operator had applied and could not be used at the
    // start, so that the file is; until another comes into use, or somebody
    // asks for a reload.
    bool of_applied = false;
    absl::Time refuse_time;  // When that was found.
  };

  // Tells by `on_change` of every change of state() until it is destroyed.
  class Subscription {
   public:
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class ConfigReloader;
    Subscription(ConfigReloader& reloader, uint64_t id)
        : reloader_(reloader), id_(id) {}
    ConfigReloader& reloader_;
    const uint64_t id_;
  };

  // `file` is what was read of the file at the start. REQUIRES: it has a
  // snapshot.
  static std::unique_ptr<ConfigReloader> Make(Options options,
                                              ConfigReading file);

  ConfigReloader(const ConfigReloader&) = delete;
  ConfigReloader& operator=(const ConfigReloader&) = delete;

  // The configuration to begin with: the file's, or what was applied in its
  // place before the process began.
  const std::shared_ptr<const ConfigSnapshot>& first() const { return first_; }

  // Borrows `runtime`, which has the first configuration. Whoever wants another
  // waits for this. REQUIRES: called once.
  void Begin(CurrentRuntime* runtime, Prepare prepare) LOCKS_EXCLUDED(mu_);

  // Waits for what is under way; whoever wants another from here on is told
  // that the gateway shuts down, by UNAVAILABLE.
  void End() LOCKS_EXCLUDED(mu_);

  // Reads the file, or, where an operator has applied another and the file has
  // not changed since, that one, and all that it names.
  Result Reload(Trigger trigger, bool validate_only = false)
      LOCKS_EXCLUDED(mu_, state_mu_);

  struct Applied {
    std::string_view text;
    std::string_view etag;  // Empty: whatever is in use is replaced.
    std::string_view by;    // The operator's name; may be empty.
    bool validate_only = false;
  };
  Result Apply(const Applied& applied) LOCKS_EXCLUDED(mu_, state_mu_);

  struct RolledBack {
    int64_t version = 0;    // 0 for the one before.
    std::string_view etag;  // These as of Applied.
    std::string_view by;
    bool validate_only = false;
  };
  Result Rollback(const RolledBack& asked) LOCKS_EXCLUDED(mu_, state_mu_);

  // Whether the file has another text than when it was read last.
  bool FileIsOther() LOCKS_EXCLUDED(mu_);

  State state() const LOCKS_EXCLUDED(state_mu_);

  // `on_change` runs on any thread and must not call back.
  std::unique_ptr<Subscription> Subscribe(std::function<void()> on_change)
      LOCKS_EXCLUDED(state_mu_);

  // Whether changes of files are to be noticed, and of which.
  bool watches_files() const LOCKS_EXCLUDED(state_mu_);
  std::vector<std::string> Files() const LOCKS_EXCLUDED(state_mu_);

  // Destroys snapshots that no call holds any more. Returns true if there are
  // others; `released` says whether there was one.
  bool ReleaseRetired(bool* released) LOCKS_EXCLUDED(mu_);

 private:
  // A configuration that may come into use.
  struct Candidate {
    ConfigReading reading;
    std::string source;
    std::string file_sha256;
    bool from_file = true;
    bool applied = false;
    bool must_be_kept = false;
    // An operator's own: what is wrong with it, his answer alone tells.
    bool is_operators = false;
    // The file, as it is now, could be in use.
    bool file_is_fine = false;
    absl::StatusCode code = absl::StatusCode::kInvalidArgument;
    std::string_view trigger;
  };

  ConfigReloader(Options options, ConfigHistory history);

  void ChooseFirst(ConfigReading file);
  // Waits until it has begun; false if it has ended.
  bool AwaitBegin(MutexLock& lock) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static Result Ended();
  ConfigReading ReadText(const ConfigVersion& version)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckEtag(std::string_view etag) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Of the file as it was last read; of the one that was last in use, if it is
  // not there.
  std::string FileSha256() const EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Reads the file, for its content.
  ConfigReading ReadFileAsItIs() const;

  // What a candidate amounts to.
  struct Ready {
    std::shared_ptr<const RuntimeSnapshot> before;  // In use until then.
    std::shared_ptr<const RuntimeSnapshot> runtime;
    std::function<void()> commit;
    bool same = false;  // It says nothing else than the one in use.
  };

  // Nothing has changed after this. Of what is wrong `problems` has all, and
  // the status the first.
  absl::StatusOr<Ready> MakeReady(Candidate& candidate,
                                  std::vector<ConfigProblem>* problems,
                                  Refusal* refusal)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status KeepVersion(const Candidate& candidate, const Ready& ready)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void LogUse(const Candidate& candidate, const Result& result,
                     bool same);
  // Puts it into use, unless something is wrong with it.
  Result Use(Candidate candidate, bool validate_only)
      EXCLUSIVE_LOCKS_REQUIRED(mu_) LOCKS_EXCLUDED(state_mu_);
  absl::Status Keep(const ConfigHistory& history, bool must_be_kept);
  // `result` says why, and with which problems.
  Result Refused(const Candidate& candidate, Result result, bool validate_only)
      EXCLUSIVE_LOCKS_REQUIRED(mu_) LOCKS_EXCLUDED(state_mu_);
  // Whether the watch of the files has told of the same already; remembers it.
  bool WasTold(const Candidate& candidate, const Result& refused)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TellRefusal(const Candidate& candidate, const Result& refused)
      EXCLUSIVE_LOCKS_REQUIRED(mu_) LOCKS_EXCLUDED(state_mu_);
  // What was told of problems is over if it `settles` them.
  void SetState(const ConfigReading& reading, const ConfigSnapshot& in_use,
                bool settles) EXCLUSIVE_LOCKS_REQUIRED(mu_)
      LOCKS_EXCLUDED(state_mu_);
  void Count(std::string_view result) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TellDamagedState() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell() EXCLUSIVE_LOCKS_REQUIRED(state_mu_);

  const Options options_;
  std::shared_ptr<const ConfigSnapshot> first_;

  // Held while a configuration is read and put into use.
  Mutex mu_;
  CondVar begun_;
  bool ended_ GUARDED_BY(mu_) = false;
  CurrentRuntime* runtime_ GUARDED_BY(mu_) = nullptr;
  Prepare prepare_ GUARDED_BY(mu_);
  ConfigHistory history_ GUARDED_BY(mu_);
  // Of the file, when it was last good.
  llmgateway::config::v1::GatewayConfig file_config_ GUARDED_BY(mu_);
  IncludedFiles included_ GUARDED_BY(mu_);
  std::string read_sha256_ GUARDED_BY(mu_);  // Of the file, as last read.
  // The file and its problems, as last refused; empty once one is in use.
  std::string refused_ GUARDED_BY(mu_);
  std::vector<std::shared_ptr<const RuntimeSnapshot>> retired_ GUARDED_BY(mu_);
  MetricShard* shard_ GUARDED_BY(mu_) = nullptr;

  // Taken after `mu_`, and never for long.
  mutable Mutex state_mu_;
  State state_ GUARDED_BY(state_mu_);
  bool watches_files_ GUARDED_BY(state_mu_) = false;
  // Named by the configuration in use, and by the file as it is now.
  std::vector<std::string> files_in_use_ GUARDED_BY(state_mu_);
  std::vector<std::string> files_of_file_ GUARDED_BY(state_mu_);
  std::map<uint64_t, std::function<void()>> subscribers_ GUARDED_BY(state_mu_);
  uint64_t subscribers_made_ GUARDED_BY(state_mu_) = 0;
};

}  // namespace gateway

#endif  // SERVICE_RELOAD_CONFIG_RELOADER_H_
