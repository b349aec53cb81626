// What may be in the text that says where a PostgreSQL is, in libpq's words:
// `host=db dbname=ledger user=gateway`, or `postgresql://gateway@db/ledger`.
//
//   GATEWAY_RETURN_IF_ERROR(CheckConninfo(connection));
//
// Thread-safe: plain functions. No error repeats anything of the text but the
// name of a keyword, since a password may be in it.

#ifndef BASE_POSTGRES_CONNINFO_H_
#define BASE_POSTGRES_CONNINFO_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// Its keywords and their values, of those that it gives.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadConninfo(
    const std::string& conninfo);

// INVALID_ARGUMENT if libpq cannot read it, or there is a password in it.
absl::Status CheckConninfo(const std::string& conninfo);

// Whether who answers at one of its hosts is believed to be the server, and may
// be sent the password: it is on another machine, and its certificate is not
// looked at (`sslmode`). REQUIRES: it can be read.
bool BelievesAnyServer(const std::string& conninfo);

}  // namespace gateway

#endif  // BASE_POSTGRES_CONNINFO_H_
