// SeenJoin remembers in a file of the gateway's own the last join of chains
// that it has seen. Whoever can write to the database can remove joins, and
// with them what they prove; then those who have seen one say so.
//
//   SeenJoin seen("/var/lib/llm-gateway/ledger-joins");
//   GATEWAY_RETURN_IF_ERROR(seen.Compare(db, timeout));
//
// Thread-compatible; blocks.

#ifndef SERVICE_LEDGER_POSTGRES_SEEN_JOIN_H_
#define SERVICE_LEDGER_POSTGRES_SEEN_JOIN_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/postgres/postgres_connection.h"

namespace gateway {

class SeenJoin {
 public:
  // The file is made with the first join.
  explicit SeenJoin(std::string path) : path_(std::move(path)) {}

  // Looks whether the join that it remembers is in the database as it was, and
  // remembers the last one from then on. DATA_LOSS if it is not, or the file
  // cannot be read as one: then it goes on remembering that, until somebody has
  // seen to it and removes the file. Other errors are those of the database and
  // of the file.
  absl::Status Compare(PostgresConnection& db, absl::Duration timeout);

 private:
  struct Join {
    int64_t number = 0;  // 0 for none.
    std::string hash;
  };

  // Nothing is kept of what is in the file, which somebody may remove.
  absl::Status Load(Join* join) const;

  const std::string path_;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_POSTGRES_SEEN_JOIN_H_
