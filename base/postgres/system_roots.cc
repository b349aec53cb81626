#include "base/postgres/system_roots.h"

#include <postgresql/libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace gateway {
namespace {

using Keywords = std::vector<std::pair<std::string, std::string>>;

// Debian's and Alpine's; Fedora's; where BSD has it.
constexpr const char* kBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                    "/etc/pki/tls/certs/ca-bundle.crt",
                                    "/etc/ssl/cert.pem"};

bool IsReadable(const std::string& file) {
  return access(file.c_str(), R_OK) == 0;
}

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct FreeDefaults {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// The last value of a keyword, or libpq's, which its environment may say.
std::string ValueOf(std::string_view keyword, const Keywords& given) {
  for (auto each = given.rbegin(); each != given.rend(); ++each) {
    if (each->first == keyword) return each->second;
  }
  const std::unique_ptr<PQconninfoOption, FreeDefaults> defaults(
      PQconndefaults());
  for (const PQconninfoOption* each = defaults.get();
       each != nullptr && each->keyword != nullptr; ++each) {
    if (each->keyword == keyword && each->val != nullptr) return each->val;
  }
  return "";
}

}  // namespace

std::string SystemRootsFile() {
  std::string named = Variable("SSL_CERT_FILE");
  if (!named.empty()) return named;
  for (const char* const bundle : kBundles) {
    if (IsReadable(bundle)) return bundle;
  }
  return "";
}

std::string RootsFor(const Keywords& given) {
  const std::string roots = ValueOf("sslrootcert", given);
  if (roots == "system") return SystemRootsFile();
  if (!roots.empty() || !ValueOf("service", given).empty()) return "";
  const std::string mode = ValueOf("sslmode", given);
  if (mode != "verify-full" && mode != "verify-ca") return "";
  const std::string home = Variable("HOME");
  if (!home.empty() && IsReadable(home + "/.postgresql/root.crt")) return "";
  return SystemRootsFile();
}

}  // namespace gateway
