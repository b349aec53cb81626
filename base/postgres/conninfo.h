// What may be in the text that says where a PostgreSQL is, in libpq's words:
// `host=db dbname=ledger user=gateway`, or `postgresql://gateway@db/ledger`.
//
//   GATEWAY_RETURN_IF_ERROR(CheckConninfo(connection));
//
// Thread-safe: plain functions. No error repeats anything of the text but the
// name of a keyword, since a password may be in it.

#ifndef BASE_POSTGRES_CONNINFO_H_
#define BASE_POSTGRES_CONNINFO_H_

#include <cstdint>
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

// The same of what libpq takes where nothing is given: its own, and what its
// environment and a service file say.
std::vector<std::pair<std::string, std::string>> ConninfoDefaults();

// INVALID_ARGUMENT if libpq cannot read it, or there is a password in it.
absl::Status CheckConninfo(const std::string& conninfo);

// What keeps others from the password and the data on their way to the server,
// by `sslmode`, which counts where one of the hosts is on another machine. The
// best first.
enum class ServerTrust : uint8_t {
  kVerified,    // On this machine, or its certificate is looked at.
  kUnverified,  // By TLS, with whoever answers.
  kInClear,     // Perhaps without TLS: who is on the way reads it.
};

// What the text says by itself. Where it names no host, libpq takes one from
// its environment or a service file: PostgresConnection::trust() knows.
// REQUIRES: it can be read.
ServerTrust ServerTrustOf(const std::string& conninfo);

// The same of one host, by its name, an address or the path of a socket, and
// what `sslmode` is.
ServerTrust ServerTrustOf(std::string_view host, std::string_view sslmode);

}  // namespace gateway

#endif  // BASE_POSTGRES_CONNINFO_H_
