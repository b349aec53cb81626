#include "service/resilience/provider_board.h"

#include <iterator>
#include <utility>

namespace gateway {

std::optional<ProviderPlace> ProviderLoad::TryEnter(int limit) {
  int before = in_flight_.load(std::memory_order_relaxed);
  do {
    if (before >= limit) return std::nullopt;
  } while (!in_flight_.compare_exchange_weak(before, before + 1,
                                             std::memory_order_relaxed));
  return ProviderPlace(*this);
}

std::shared_ptr<ProviderLoad> ProviderBoard::LoadOf(std::string_view provider) {
  const MutexLock lock(mu_);
  return EntryOf(provider).load;
}

std::shared_ptr<ProviderLoad> ProviderBoard::LoadOf(std::string_view provider,
                                                    std::string_view model) {
  const MutexLock lock(mu_);
  std::shared_ptr<ProviderLoad>& load =
      EntryOf(provider).of_model[std::string(model)];
  if (load == nullptr) load = std::make_shared<ProviderLoad>();
  return load;
}

void ProviderBoard::Keep(absl::FunctionRef<bool(std::string_view)> keeps) {
  const MutexLock lock(mu_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    entry = keeps(entry->first) ? std::next(entry) : entries_.erase(entry);
  }
}

std::shared_ptr<CredentialPool> ProviderBoard::MakeCredentials(
    std::string_view provider,
    const std::vector<CredentialPool::Credential>& credentials,
    const CredentialPool::Options& options) {
  if (credentials.empty()) return nullptr;
  const MutexLock lock(mu_);
  return std::make_shared<CredentialPool>(credentials, options,
                                          EntryOf(provider).credentials.get());
}

void ProviderBoard::UseCredentials(std::string_view provider,
                                   std::shared_ptr<CredentialPool> pool) {
  if (pool != nullptr) pool->Begin();
  const MutexLock lock(mu_);
  EntryOf(provider).credentials = std::move(pool);
}

void ProviderBoard::ResetCredentials(std::string_view provider) {
  const MutexLock lock(mu_);
  const auto found = entries_.find(provider);
  if (found == entries_.end() || found->second.credentials == nullptr) return;
  CredentialPool& pool = *found->second.credentials;
  for (size_t i = 0; i < pool.size(); ++i) pool.Reset(i);
}

std::shared_ptr<const CredentialPool> ProviderBoard::CredentialsOf(
    std::string_view provider) const {
  const MutexLock lock(mu_);
  const auto found = entries_.find(provider);
  return found == entries_.end() ? nullptr : found->second.credentials;
}

ProviderBoard::Entry& ProviderBoard::EntryOf(std::string_view provider) {
  const auto found = entries_.find(provider);
  if (found != entries_.end()) return found->second;
  return entries_.try_emplace(std::string(provider)).first->second;
}

}  // namespace gateway
