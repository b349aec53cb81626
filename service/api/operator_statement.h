// What operators have said of one thing each, and when: a statement has the
// item that it puts into force (operator_state.h), or takes it back. Of two
// that are about the same the later counts, wherever each was said and however
// late one hears of it.
//
//   if (Supersedes(theirs, ours)) ...
//   store.Put(collection, name, WriteStatement(said), ...);
//
// What a process knows of them is kept on disk, so that they are weighed
// against those of others by when they were said, and not by who begins first:
//
//   state.Write(kStatementDocument, WriteStatements(known));
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_OPERATOR_STATEMENT_H_
#define SERVICE_API_OPERATOR_STATEMENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gateway {

inline constexpr std::string_view kStatementDocument =
    "operator_statements.json";

struct OperatorStatement {
  // In whole microseconds. The Unix epoch if nobody knows: whatever was said
  // at a time that is known is later.
  absl::Time time = absl::UnixEpoch();
  std::optional<std::string> item;  // Absent: there is none any more.

  friend bool operator==(const OperatorStatement& a,
                         const OperatorStatement& b) {
    return a.time == b.time && a.item == b.item;
  }
};

// Whether `a` counts where both are known. Of two of the same time all who know
// both choose the same.
bool Supersedes(const OperatorStatement& a, const OperatorStatement& b);

// What a process knows of a thing.
struct KnownStatement {
  OperatorStatement said;
  // Whether it was weighed against what is in force here; not yet if the
  // configuration has nothing that it is about.
  bool is_weighed = false;
  // What was in force then: not always the item, as where that is none of this
  // configuration.
  std::optional<std::string> in_force;
  // Of its record in the store, as far as that is known; 0: there is none.
  int64_t version = 0;
};

// By name.
using KnownStatements = std::map<std::string, KnownStatement, std::less<>>;

std::string WriteStatement(const OperatorStatement& said);
// INVALID_ARGUMENT for all that WriteStatement does not write.
absl::StatusOr<OperatorStatement> ReadStatement(std::string_view text);

// All but the versions.
std::string WriteStatements(const KnownStatements& known);
// INVALID_ARGUMENT for all that WriteStatements does not write.
absl::StatusOr<KnownStatements> ReadStatements(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_API_OPERATOR_STATEMENT_H_
