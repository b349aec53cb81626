#include "base/postgres/system_roots.h"

#include <unistd.h>

#include <cstdlib>

#include "base/postgres/conninfo.h"

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

// The last value of a keyword; empty if it has none.
std::string ValueOf(std::string_view keyword, const Keywords& given) {
  for (auto each = given.rbegin(); each != given.rend(); ++each) {
    if (each->first == keyword) return each->second;
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
  Keywords all = ConninfoDefaults();
  all.insert(all.end(), given.begin(), given.end());
  const std::string roots = ValueOf("sslrootcert", all);
  if (roots == "system") return SystemRootsFile();
  if (!roots.empty() || !ValueOf("service", all).empty()) return "";
  const std::string mode = ValueOf("sslmode", all);
  if (mode != "verify-full" && mode != "verify-ca") return "";
  const std::string home = Variable("HOME");
  if (!home.empty() && IsReadable(home + "/.postgresql/root.crt")) return "";
  return SystemRootsFile();
}

}  // namespace gateway
