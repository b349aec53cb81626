// ProviderBoard holds what all loops know together of each provider: its pool
// of credentials, and how many attempts are under way with it.
//
//   ProviderBoard board;
//   const auto pool = board.MakeCredentials("openai", credentials, options);
//   board.UseCredentials("openai", pool);  // Once the configuration is in use.
//   std::optional<ProviderPlace> place = board.LoadOf("openai")->TryEnter(10);
//   if (!place.has_value()) ...  // Ten attempts are under way.
//
// What is known outlives configurations: a new one looks its providers up by
// name when it is made, and keeps what it finds. What is known of those that
// the one in use has not is forgotten (Keep), but by whoever has found it.
//
// Thread-safe. To find something takes a lock; what was found is lock-free.

#ifndef SERVICE_RESILIENCE_PROVIDER_BOARD_H_
#define SERVICE_RESILIENCE_PROVIDER_BOARD_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/os/mutex.h"
#include "service/resilience/credential_pool.h"

namespace gateway {

class ProviderPlace;

// How many attempts are under way with a provider, or a model of it, that has a
// limit of them.
class ProviderLoad {
 public:
  // Returns nothing if `limit` attempts are under way, or more. The place must
  // not outlive this object.
  std::optional<ProviderPlace> TryEnter(int limit);

  int in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  friend class ProviderPlace;

  std::atomic<int> in_flight_ = 0;
};

// Counts an attempt as under way while it lives.
class [[nodiscard]] ProviderPlace {
 public:
  ProviderPlace() = default;
  explicit ProviderPlace(ProviderLoad& load) : load_(&load) {}
  ProviderPlace(ProviderPlace&& other) noexcept
      : load_(std::exchange(other.load_, nullptr)) {}
  ProviderPlace& operator=(ProviderPlace&& other) noexcept {
    std::swap(load_, other.load_);
    return *this;
  }
  ~ProviderPlace() {
    if (load_ == nullptr) return;
    load_->in_flight_.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  ProviderLoad* load_ = nullptr;
};

class ProviderBoard {
 public:
  ProviderBoard() = default;
  ProviderBoard(const ProviderBoard&) = delete;
  ProviderBoard& operator=(const ProviderBoard&) = delete;

  // Never null. That of a model, by the provider's name of it, is beside that
  // of the provider.
  std::shared_ptr<ProviderLoad> LoadOf(std::string_view provider)
      LOCKS_EXCLUDED(mu_);
  std::shared_ptr<ProviderLoad> LoadOf(std::string_view provider,
                                       std::string_view model)
      LOCKS_EXCLUDED(mu_);

  // Forgets the providers for which `keeps` says no, with their models.
  void Keep(absl::FunctionRef<bool(std::string_view provider)> keeps)
      LOCKS_EXCLUDED(mu_);

  // Returns a pool for a configuration that may come into use, which knows what
  // the one in use knows of the same credentials; null if there are none.
  std::shared_ptr<CredentialPool> MakeCredentials(
      std::string_view provider,
      const std::vector<CredentialPool::Credential>& credentials,
      const CredentialPool::Options& options) LOCKS_EXCLUDED(mu_);

  // Puts it into use, in place of the one before; `pool` may be null.
  void UseCredentials(std::string_view provider,
                      std::shared_ptr<CredentialPool> pool) LOCKS_EXCLUDED(mu_);

  // Makes all credentials of the provider usable at once.
  void ResetCredentials(std::string_view provider) LOCKS_EXCLUDED(mu_);

  // Returns the last pool that was made; null if there are no credentials.
  std::shared_ptr<const CredentialPool> CredentialsOf(
      std::string_view provider) const LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::shared_ptr<ProviderLoad> load = std::make_shared<ProviderLoad>();
    std::map<std::string, std::shared_ptr<ProviderLoad>, std::less<>> of_model;
    std::shared_ptr<CredentialPool> credentials;
  };

  Entry& EntryOf(std::string_view provider) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  std::map<std::string, Entry, std::less<>> entries_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_PROVIDER_BOARD_H_
