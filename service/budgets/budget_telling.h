// BudgetTelling is what one replica tells the others of a scope: what it has
// spent and reserved in the present window and is about to take, or what an
// operator has allocated.
//
//   put(NameOf(telling), replica, HeaderOf(telling), BodyOf(telling));
//   ...
//   GATEWAY_ASSIGN_OR_RETURN(BudgetNews news, ReadNews(value));
//
// What is kept under a name is a header, which says whose it is, and a line of
// each replica that has told something. The name is 160 bits of the SHA-256 of
// the scope and where its window begins; the header has them as the ledger
// has (budget_change.h).
//
// Thread-safe: plain functions.

#ifndef SERVICE_BUDGETS_BUDGET_TELLING_H_
#define SERVICE_BUDGETS_BUDGET_TELLING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_scope.h"
#include "service/budgets/budget_spend.h"
#include "service/budgets/shared_scope.h"

namespace gateway {

struct BudgetTelling {
  BudgetScope scope;
  // Where the calendar's window begins; 0 of one that rolls, and of none.
  int64_t start = 0;
  BudgetSpend spend;
  BudgetAmounts reserved;
  LimitUnit unit = ::llmgateway::config::v1::LIMIT_UNIT_UNSPECIFIED;
  BudgetClaim granted;
  // Of the last reset that the sums know.
  int64_t reset_version = 0;
  // Whose the scope is, if that is known.
  std::optional<BudgetBinding> binding;
  // If this is there, it is all that is told.
  std::optional<BudgetAllocation> allocation;
};

// What all replicas have told under one name.
struct BudgetNews {
  struct Line {
    std::string replica;
    BudgetTelling telling;  // Without a scope.
  };

  BudgetScope scope;
  int64_t start = 0;
  std::optional<BudgetAllocation> allocation;
  // As the one who told last knows it.
  std::optional<BudgetBinding> binding;
  std::vector<Line> lines;
};

// Who tells an allocation: it is of no replica, and the latest counts.
inline constexpr std::string_view kNoReplica = "!";

// 40 hexadecimal digits.
std::string NameOf(const BudgetTelling& telling);
// No line breaks.
std::string HeaderOf(const BudgetTelling& telling);
// The line of a replica, without its name; of an allocation its version, such
// that the later one is the greater text.
std::string BodyOf(const BudgetTelling& telling);

// Reads a header, and lines of `<replica> <body>`. An InvalidArgument says what
// is wrong.
absl::StatusOr<BudgetNews> ReadNews(std::string_view value);

// Until when it may matter to somebody, in seconds; nothing if for ever. Those
// without a window are remembered for `retention` seconds.
std::optional<int64_t> ExpiryOf(const BudgetTelling& telling, int64_t now,
                                int64_t retention);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_TELLING_H_
