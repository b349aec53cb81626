#include "base/net/resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

// For how long an answer is used before it is asked for again; getaddrinfo
// tells no time to live.
constexpr absl::Duration kAnswerTtl = absl::Seconds(30);
constexpr absl::Duration kFailureTtl = absl::Seconds(1);
// For how long an answer goes on being used while it cannot be renewed.
constexpr absl::Duration kAnswerMax = absl::Minutes(10);
constexpr size_t kEntriesMax = 4096;
constexpr size_t kBadMax = 1024;

absl::StatusOr<IpAddresses> AskSystem(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot resolve '", host, "': ", gai_strerror(error)));
  }
  IpAddresses addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    IpAddress& address = addresses.emplace_back();
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

}  // namespace

std::string_view IpAddress::Bytes() const {
  if (storage.ss_family == AF_INET) {
    return {reinterpret_cast<const char*>(
                &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr),
            sizeof(in_addr)};
  }
  return {reinterpret_cast<const char*>(
              &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr),
          sizeof(in6_addr)};
}

Resolver::Resolver()
    : Resolver([](const std::string& host) {
        return AskSystem(host, AI_ADDRCONFIG);
      }) {}

Resolver::Resolver(LookUp look_up) : look_up_(std::move(look_up)) {
  for (Thread& thread : threads_) {
    thread = Thread("resolver", [this] { Work(); });
  }
}

Resolver::~Resolver() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  for (Thread& thread : threads_) thread.Join();
}

void Resolver::Resolve(std::string host, OnFound on_found) {
  {
    MutexLock lock(mu_);
    if (questions_.size() < kQuestionsMax) {
      questions_.push_back({std::move(host), std::move(on_found)});
      changed_.NotifyOne();
      return;
    }
  }
  on_found(absl::ResourceExhaustedError("too many names wait to be resolved"));
}

void Resolver::Work() {
  for (;;) {
    Question question;
    {
      MutexLock lock(mu_);
      while (questions_.empty() && !stopping_) changed_.Wait(lock);
      if (stopping_) return;
      question = std::move(questions_.front());
      questions_.pop_front();
    }
    question.on_found(look_up_(question.host));
  }
}

// What is known of one name, and who waits for it.
struct LoopResolver::Entry {
  std::optional<absl::StatusOr<IpAddresses>> answer;
  // When to look the name up again, and until when the answer is used
  // meanwhile.
  absl::Duration renew_at = -absl::InfiniteDuration();
  absl::Duration good_until = -absl::InfiniteDuration();
  bool asking = false;
  std::vector<WakeUp*> waiting;
};

// The way back from a look-up to the loop. Shared with the look-ups, which may
// end after the resolver is gone.
struct LoopResolver::Home {
  Mutex mu;
  EventLoop* loop GUARDED_BY(mu);  // Null once the resolver has gone.
};

LoopResolver::LoopResolver(Resolver& resolver)
    : resolver_(resolver),
      loop_(*EventLoop::Current()),
      home_(std::make_shared<Home>()) {
  MutexLock lock(home_->mu);
  home_->loop = &loop_;
}

LoopResolver::~LoopResolver() {
  // From here on nothing is posted; what has been posted already uses the
  // entries alone.
  MutexLock lock(home_->mu);
  home_->loop = nullptr;
}

Task<absl::StatusOr<IpAddresses>> LoopResolver::Resolve(std::string host,
                                                        WakeUp& interrupt) {
  absl::StatusOr<IpAddresses> numeric = AskSystem(host, AI_NUMERICHOST);
  if (numeric.ok()) co_return numeric;

  if (entries_.size() >= kEntriesMax) entries_.clear();
  std::shared_ptr<Entry>& slot = entries_[host];
  if (slot == nullptr) slot = std::make_shared<Entry>();
  const std::shared_ptr<Entry> entry = slot;
  const absl::Duration now = loop_.Now();
  if (now >= entry->renew_at && !entry->asking) Ask(host, entry);
  if (now < entry->good_until) co_return *entry->answer;
  entry->waiting.push_back(&interrupt);
  co_await interrupt.Wait();
  std::vector<WakeUp*>& waiting = entry->waiting;
  waiting.erase(std::remove(waiting.begin(), waiting.end(), &interrupt),
                waiting.end());
  if (entry->asking || !entry->answer.has_value()) {
    co_return absl::CancelledError("interrupted");
  }
  co_return *entry->answer;
}

void LoopResolver::Order(IpAddresses* addresses) {
  if (addresses->size() < 2) return;
  const auto first_family = addresses->front().storage.ss_family;
  const auto others = std::stable_partition(
      addresses->begin(), addresses->end(), [&](const IpAddress& address) {
        return address.storage.ss_family == first_family;
      });
  IpAddresses in_turns;
  in_turns.reserve(addresses->size());
  for (auto a = addresses->begin(), b = others;
       a != others || b != addresses->end();) {
    if (a != others) in_turns.push_back(*a++);
    if (b != addresses->end()) in_turns.push_back(*b++);
  }
  *addresses = std::move(in_turns);
  if (bad_.empty()) return;
  std::stable_partition(
      addresses->begin(), addresses->end(),
      [this](const IpAddress& address) { return !IsBad(address); });
}

void LoopResolver::MarkBad(const IpAddress& address) {
  if (bad_.size() >= kBadMax) bad_.clear();
  bad_[std::string(address.Bytes())] = loop_.Now() + kBadTime;
}

void LoopResolver::MarkGood(const IpAddress& address) {
  if (!bad_.empty()) bad_.erase(std::string(address.Bytes()));
}

bool LoopResolver::IsBad(const IpAddress& address) {
  const auto found = bad_.find(std::string(address.Bytes()));
  if (found == bad_.end()) return false;
  if (found->second > loop_.Now()) return true;
  bad_.erase(found);
  return false;
}

void LoopResolver::Ask(const std::string& host,
                       const std::shared_ptr<Entry>& entry) {
  entry->asking = true;
  resolver_.Resolve(host, [home = home_, entry](
                              absl::StatusOr<IpAddresses> found) {
    MutexLock lock(home->mu);
    if (home->loop == nullptr) return;
    home->loop->Post([entry, found = std::move(found)] {
      entry->asking = false;
      const absl::Duration now = EventLoop::Current()->Now();
      entry->renew_at = now + (found.ok() ? kAnswerTtl : kFailureTtl);
      if (found.ok() || now >= entry->good_until) {
        entry->answer = found;
        entry->good_until = found.ok() ? now + kAnswerMax : entry->renew_at;
      }
      for (WakeUp* waiter : std::exchange(entry->waiting, {})) waiter->Set();
    });
  });
}

}  // namespace gateway
