// ByteBudget bounds what the calls of a loop keep, all together, of requests
// that have not come whole: before that nobody knows who asks.
//
//   ByteBudget budget(128 * 1024 * 1024);
//   ByteBudget::Share share(budget);     // Of one connection.
//   ByteBudget::Charge charge(share);    // Of one call.
//   if (!charge.Resize(4096)) return BudgetSpent();
//
// A share may grow to what stays free. So a connection that takes all it can
// get has half, and of many that do, each leaves as much as it has to whoever
// comes next.
//
// Thread contract: one event loop.

#ifndef SERVICE_RPC_BYTE_BUDGET_H_
#define SERVICE_RPC_BYTE_BUDGET_H_

#include <cstddef>

#include "absl/status/status.h"

namespace gateway {

// The fault of a call whose charge does not fit: UNAVAILABLE, to be tried again
// soon.
absl::Status BudgetSpent();

class ByteBudget {
 public:
  class Share;
  class Charge;

  explicit ByteBudget(size_t bytes_limit) : bytes_limit_(bytes_limit) {}
  // REQUIRES: no shares.
  ~ByteBudget();

  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  size_t used_bytes() const { return used_bytes_; }

 private:
  const size_t bytes_limit_;
  size_t used_bytes_ = 0;
};

class ByteBudget::Share {
 public:
  explicit Share(ByteBudget& budget) : budget_(budget) {}
  // REQUIRES: no charges.
  ~Share();

  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

 private:
  friend class Charge;

  bool Take(size_t bytes);
  void Give(size_t bytes);

  ByteBudget& budget_;
  size_t used_bytes_ = 0;
};

class ByteBudget::Charge {
 public:
  explicit Charge(Share& share) : share_(share) {}
  ~Charge() { Resize(0); }

  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

  // From now on so many bytes are kept. False, with nothing changed, if they
  // are more than before and too many.
  bool Resize(size_t bytes);

 private:
  Share& share_;
  size_t bytes_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_RPC_BYTE_BUDGET_H_
