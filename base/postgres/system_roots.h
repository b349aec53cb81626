// Which authorities a server's certificate is checked against where the text
// that says where the server is (conninfo.h) leaves that to the machine. Until
// version 16 libpq knows one file of the user's, ~/.postgresql/root.crt, and
// fails where that is not there; it takes `sslrootcert=system`, too, for a
// file's name.
//
// Thread-safe, but for who changes the environment.

#ifndef BASE_POSTGRES_SYSTEM_ROOTS_H_
#define BASE_POSTGRES_SYSTEM_ROOTS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway {

// The file with the machine's authorities: that of SSL_CERT_FILE, as for
// providers, or else where a distribution has it; empty if there is none.
std::string SystemRootsFile();

// Returns what `sslrootcert` is to be in place of what `given`, keywords with
// their values of which the last counts, makes of it; empty if that is to
// stay. It stays where a file is named, also by libpq's environment or a
// service, where there is the user's, and where certificates are not checked.
std::string RootsFor(
    const std::vector<std::pair<std::string, std::string>>& given);

}  // namespace gateway

#endif  // BASE_POSTGRES_SYSTEM_ROOTS_H_
