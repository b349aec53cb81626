// ConnectionQuota is how many connections of callers a process may have, at
// all listeners and on all loops together, so that descriptors are left for
// what serving them takes: connections to providers, the operations listener,
// logs.
//
//   ConnectionQuota quota(ConnectionQuota::CallersShareOf(descriptors));
//   ConnectionQuota::Place place = quota.Take();
//   if (!place.taken()) Refuse();
//
// Thread-safe.

#ifndef BASE_NET_CONNECTION_QUOTA_H_
#define BASE_NET_CONNECTION_QUOTA_H_

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <utility>

namespace gateway {

class ConnectionQuota {
 public:
  // The right to one connection, given back when it dies.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : quota_(std::exchange(other.quota_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(quota_, other.quota_);
      return *this;
    }
    ~Place() { Leave(); }

    bool taken() const { return quota_ != nullptr; }
    void Leave() {
      if (quota_ != nullptr) std::exchange(quota_, nullptr)->Give();
    }

   private:
    friend class ConnectionQuota;
    explicit Place(ConnectionQuota* quota) : quota_(quota) {}

    ConnectionQuota* quota_ = nullptr;
  };

  explicit ConnectionQuota(size_t limit) : limit_(limit) {}
  // REQUIRES: all places were given back.
  ~ConnectionQuota() { assert(taken_.load() == 0); }

  ConnectionQuota(const ConnectionQuota&) = delete;
  ConnectionQuota& operator=(const ConnectionQuota&) = delete;

  // Takes a place; the result is not taken() if there is none left.
  Place Take() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < limit_) {
      return Place(this);
    }
    Give();
    return Place();
  }

  size_t limit() const { return limit_; }

  // How many connections callers may have in a process with so many
  // descriptors: half of what it does not need for itself, since each call may
  // need a connection to a provider.
  static constexpr size_t CallersShareOf(size_t descriptors) {
    const size_t own =
        kOwnDescriptors + kOperatorListeners * OperatorsShareOf(descriptors);
    return descriptors > own + 2 ? (descriptors - own) / 2 : 1;
  }
  // How many connections each listener of operators may have.
  static constexpr size_t OperatorsShareOf(size_t descriptors) {
    return std::clamp<size_t>(descriptors / 16, 16, 1024);
  }
  // The admin and the operations listener.
  static constexpr size_t kOperatorListeners = 2;
  // What the process itself needs: files, loops, pipes.
  static constexpr size_t kOwnDescriptors = 48;

 private:
  void Give() { taken_.fetch_sub(1, std::memory_order_relaxed); }

  const size_t limit_;
  std::atomic<size_t> taken_ = 0;
};

}  // namespace gateway

#endif  // BASE_NET_CONNECTION_QUOTA_H_
