// CredentialPool says which of a provider's credentials a call takes: the one
// whose turn it is by the weights (providers/credential_rotation.h), or, while
// that one cools or is taken out, another.
//
//   Choice choice = pool.Pick(now);
//   if (!choice.index.has_value()) return RateLimited(choice.wait);
//   ...                               // Ask with pool.NameOf(*choice.index).
//   pool.Record(*choice.index, loop.Now(), outcome, resets_in);
//
// What becomes of a credential:
//
//   answered 429 with Retry-After T   cools for T, cooling_limit at most
//   answered 429 without              cools for what its rate headers say, or
//                                     else for default_cooling
//   rate headers: 0 left, reset in T  cools for T, before a 429 comes
//   refused, account empty            is out until Reset or a new configuration
//   anything else                     nothing
//
// A cooling never ends sooner for a later one, but that a 429 knows better than
// rate headers do. Retry-After of zero or less cools nothing: the provider says
// that it may be asked. What happened, errors/verdict.h decides; a credential
// that the caller brought is never here.
//
// Where none is usable, one may still be taken as a last resort, if nobody else
// can serve the call: one that cools by its rate headers alone, since nothing
// was refused yet, or, if all are out, one of them: it may have been mended.
//
// Those that others stand in for are spread evenly: the stand-ins take turns
// among themselves. It is all by index, so the same calls choose the same.
//
// A provider without credentials has a pool of one without a name, which stands
// for the provider itself: it cools as others do, and is never out.
//
// A configuration has a pool of its own, made from the one before: credentials
// with the same name and fingerprint share what is known of them, so that calls
// which still run with the old one tell the new one, too. Those that were taken
// out get another chance when it comes into use (Begin): it may only be tried.
//
// Times are steady times. Thread-safe and lock-free. Where all are well, to
// pick costs one counter and a load, of a single credential the load alone, and
// an answer that is none of the above nothing.

#ifndef SERVICE_RESILIENCE_CREDENTIAL_POOL_H_
#define SERVICE_RESILIENCE_CREDENTIAL_POOL_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "providers/credential_rotation.h"

namespace gateway {

class CredentialPool {
 public:
  struct Options {
    // For a 429 that names no time. 0 s to 5 min.
    absl::Duration default_cooling = absl::Seconds(5);
    // The longest that a provider may ask for. 1 s to 1 h.
    absl::Duration cooling_limit = absl::Seconds(300);
  };

  struct Credential {
    std::string name;
    // Tells whether a secret is another than before; nothing is learned of it
    // that would have to be kept secret.
    uint64_t fingerprint = 0;
    int weight = 1;  // 1 to 1000.
  };

  struct Choice {
    std::optional<size_t> index;  // Nothing if none is usable.
    // If none is: after how long the first will be. Nothing if all are out.
    std::optional<absl::Duration> wait;
    // If none is: the one to take as a last resort.
    std::optional<size_t> last_resort;
    // One or more are, and PickWhere was let have none of them.
    bool declined = false;
  };

  // What became of a credential, that operators are told of.
  enum class Change {
    kNone,   // Nothing, or nothing new.
    kCools,  // It was usable, and cools now.
    kIsOut,  // It was not out, and is now.
  };

  struct Snapshot {
    std::string name;
    bool is_out = false;
    // How long it cools yet; zero if it does not.
    absl::Duration cools_for;
    bool is_predicted = false;  // It cools by its rate headers alone.
    int64_t coolings = 0;  // How often it began to cool.
    int64_t refusals = 0;  // How often it was taken out.
  };

  static constexpr size_t kCredentialsLimit = 256;

  // REQUIRES: at least one credential, kCredentialsLimit at most, of different
  // names.
  CredentialPool(const std::vector<Credential>& credentials,
                 const Options& options,
                 const CredentialPool* previous = nullptr);
  CredentialPool(const CredentialPool&) = delete;
  CredentialPool& operator=(const CredentialPool&) = delete;

  // Picks one for a call.
  Choice Pick(absl::Duration now) const { return Pick(now, rotation_.Next()); }

  // The same, where the caller says whose turn it is. REQUIRES: turn < size().
  Choice Pick(absl::Duration now, size_t turn) const;

  // As Pick(now), among those that `takes` says yes to: it is asked of usable
  // ones, one after the other, until it does.
  Choice PickWhere(absl::Duration now,
                   absl::FunctionRef<bool(size_t index)> takes) const;

  // Whether Pick would find a usable one now; no turn is taken.
  bool HasUsable(absl::Duration now) const;

  // Returns after how long one is usable; zero if one is now, nothing if all
  // are out.
  std::optional<absl::Duration> WaitFrom(absl::Duration now) const;

  // Whether this one may be taken now. REQUIRES: index < size().
  bool IsUsable(size_t index, absl::Duration now) const {
    return credentials_[index].condition->usable_from.load(
               std::memory_order_relaxed) <= absl::ToInt64Nanoseconds(now);
  }

  // Returns how long this one cools yet; infinite if it is out. REQUIRES: index
  // < size().
  absl::Duration CoolsFor(size_t index, absl::Duration now) const;

  // Tells how an attempt with this credential ended, and, if its answer's rate
  // headers say that nothing is left, after how long there is more. REQUIRES:
  // index < size().
  Change Record(size_t index, absl::Duration now, const absl::Status& outcome,
                std::optional<absl::Duration> resets_in = std::nullopt);

  // Makes it usable if it is out. Returns whether it was. One that has begun to
  // cool since goes on to. REQUIRES: index < size().
  bool TakeBack(size_t index);

  // Gives those that were taken out another chance, now that the pool comes
  // into use.
  void Begin();

  // Makes it usable at once. Returns whether it was out. REQUIRES: index <
  // size().
  bool Reset(size_t index);

  // In the order in which they were given.
  std::vector<Snapshot> Read(absl::Duration now) const;

  size_t size() const { return credentials_.size(); }

  // It stands for a provider without credentials.
  bool is_keyless() const { return credentials_[0].credential.name.empty(); }

  // REQUIRES: index < size().
  const std::string& NameOf(size_t index) const {
    return credentials_[index].credential.name;
  }

  // Nothing if there is none of this name.
  std::optional<size_t> IndexOf(std::string_view name) const;

 private:
  // What is known of a credential, by all pools that have it.
  struct Condition {
    // When it may be taken, in nanoseconds; kNever if it is out.
    std::atomic<int64_t> usable_from = 0;
    // That was said by rate headers alone.
    std::atomic<bool> predicted = false;
    std::atomic<int64_t> coolings = 0;
    std::atomic<int64_t> refusals = 0;
  };
  struct Entry {
    Credential credential;
    std::shared_ptr<Condition> condition;
  };

  // The usable ones. If there are none, `choice` has what is known of the wait
  // and the last resort.
  struct Usable {
    std::array<uint8_t, kCredentialsLimit> indices;  // The first `count`.
    size_t count = 0;
  };
  void FindUsable(int64_t now, Usable* usable, Choice* choice) const;
  Choice PickAnother(int64_t now) const;
  Change Cool(Condition& condition, absl::Duration now, absl::Duration time,
              bool predicted);
  static Change TakeOut(Condition& condition);

  const Options options_;
  const CredentialRotation rotation_;
  std::vector<Entry> credentials_;
  mutable std::atomic<uint64_t> stand_in_turn_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_CREDENTIAL_POOL_H_
