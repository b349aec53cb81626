#include "service/ledger/postgres_seen_join.h"

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/hash_text.h"

namespace gateway {
namespace {

constexpr size_t kSeenBytesMax = 256;

constexpr char kSeenHash[] = "SELECT hash FROM joins WHERE number = $1::bigint";
constexpr char kNewestJoin[] =
    "SELECT number, hash FROM joins ORDER BY number DESC LIMIT 1";

}  // namespace

absl::Status SeenJoin::Load(Join* join) const {
  const absl::StatusOr<std::string> text = ReadFile(path_, kSeenBytesMax);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(text.status());
  const std::vector<std::string> words =
      absl::StrSplit(*text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  if (words.size() == 2 && absl::SimpleAtoi(words[0], &join->number) &&
      words[1].size() == kHashTextBytes) {
    join->hash = words[1];
    return absl::OkStatus();
  }
  return absl::DataLossError(
      absl::StrCat(path_, " is not what the gateway has written; remove it"));
}

absl::Status SeenJoin::Compare(PostgresConnection& db, absl::Duration timeout) {
  Join seen;
  GATEWAY_RETURN_IF_ERROR(Load(&seen));
  if (seen.number > 0) {
    GATEWAY_ASSIGN_OR_RETURN(
        const PostgresResult found,
        db.Run(kSeenHash, PostgresParameters().Int64(seen.number), timeout));
    if (found.rows() == 0 || found.Bytes(0, 0) != seen.hash) {
      return absl::DataLossError(absl::StrCat(
          "the join ", seen.number, " of the ledger, with the hash ", seen.hash,
          ", was there and is not any more: somebody has removed or changed "
          "it, restored the database from before, or this is another ledger; "
          "once that is settled, remove ",
          path_));
    }
  }
  GATEWAY_ASSIGN_OR_RETURN(const PostgresResult last,
                           db.Run(kNewestJoin, {}, timeout));
  if (last.rows() == 0 || last.Int64(0, 0) == seen.number) {
    return absl::OkStatus();
  }
  return ReplaceFile(
      path_,
      absl::StrCat(last.Int64(0, 0), " ", ToAbsl(last.Bytes(0, 1)), "\n"),
      FileReaders::kOwner);
}

}  // namespace gateway
