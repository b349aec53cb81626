// ByteBudget bounds what many keep all together, such as the requests under way
// on one loop.
//
//   ByteBudget budget(128 * 1024 * 1024);
//   ByteBudget::Share share(budget);     // Of one connection.
//   ByteBudget::Charge charge(share);    // Of one call.
//   if (!charge.Resize(4096)) return Refuse();
//
// A share may grow to what stays free. So a connection that takes all it can
// get has half, and of many that do, each leaves as much as it has to whoever
// comes next.
//
// A budget may lie within another, such as that of one listener within its
// loop's: what is taken of it is taken of both, by the same rule.
//
// Thread contract: one event loop.

#ifndef BASE_MEMORY_BYTE_BUDGET_H_
#define BASE_MEMORY_BYTE_BUDGET_H_

#include <cstddef>

namespace gateway {

class ByteBudget {
 public:
  class Share;
  class Charge;

  // Bounds what all shares hold together to `bytes_limit`. Borrows `outer`,
  // which what is held here counts against too; null if there is none.
  explicit ByteBudget(size_t bytes_limit, ByteBudget* outer = nullptr)
      : bytes_limit_(bytes_limit), outer_(outer) {}

  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  size_t used_bytes() const { return used_bytes_; }

  // The most that one share gets while there is no other.
  size_t share_bytes_max() const;

  // Changes the limit. If more is held already, nothing can be added until it
  // is less.
  void SetLimit(size_t bytes) { bytes_limit_ = bytes; }

 private:
  size_t bytes_limit_;
  ByteBudget* const outer_;
  size_t used_bytes_ = 0;
};

class ByteBudget::Share {
 public:
  explicit Share(ByteBudget& budget) : budget_(budget) {}
  // REQUIRES: all charges of this share are gone.
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

  // Changes how many bytes this charge holds. Returns false, and changes
  // nothing, if they are more than before and the budget has no room.
  bool Resize(size_t bytes) { return bytes == bytes_ || Change(bytes); }

 private:
  bool Change(size_t bytes);

  Share& share_;
  size_t bytes_ = 0;
};

}  // namespace gateway

#endif  // BASE_MEMORY_BYTE_BUDGET_H_
