// A join binds the ends of all chains together at one moment, and itself to the
// join before by its hash. A chain tells that nothing in it was altered, and
// not that its end was cut off or that all of it was written anew; of several
// chains the joins do, up to the last one, and whoever notes the hash of a join
// holds them all to it.
//
//   LedgerJoin join{.number = 2, .time = now, .previous_hash = last.hash};
//   join.heads = {{.chain = "1", .end = {...}}, {.chain = "2", .end = {...}}};
//   const std::string text = JoinText(join);
//   Append(text, HashText(text));
//
// The text of a join is one JSON object in the form of python_json.h, and its
// hash that of the text.
//
// Thread-safe: plain functions.

#ifndef SERVICE_LEDGER_LEDGER_JOIN_H_
#define SERVICE_LEDGER_LEDGER_JOIN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/ledger/ledger_commit.h"

namespace gateway {

// Where a chain ended when it was joined to others.
struct ChainHead {
  std::string chain;
  LedgerEnd end;

  bool operator==(const ChainHead&) const = default;
};

struct LedgerJoin {
  int64_t number = 0;  // From 1 on, without a gap.
  absl::Time time;
  std::string previous_hash;  // Of the join before; empty for the first.
  std::vector<ChainHead> heads;
};

std::string JoinText(const LedgerJoin& join);

// Reads what JoinText has written. An InvalidArgument says what is wrong.
absl::StatusOr<LedgerJoin> ReadJoin(std::string_view text);

// A join as it is kept.
struct StoredJoin {
  int64_t number = 0;
  std::string text;
  std::string hash;
  // As it is kept beside the text; infinite past where it is not.
  absl::Time time = absl::InfinitePast();
};

using VisitJoin = absl::FunctionRef<absl::Status(const StoredJoin& join)>;

// Where joins are read from, by any thread, which blocks.
class JoinSource {
 public:
  virtual ~JoinSource() = default;

  // 0 if there is none.
  virtual absl::StatusOr<int64_t> LastJoin() const = 0;

  // The first chain that has commits where the joins are, and is none of the
  // ledger's; empty if there is none.
  virtual absl::StatusOr<std::string> StrayChain() const {
    return std::string();
  }

  // Visits joins in their order, from the one of this number on, until `visit`
  // fails.
  virtual absl::Status ReadJoins(int64_t first, VisitJoin visit) const = 0;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_JOIN_H_
