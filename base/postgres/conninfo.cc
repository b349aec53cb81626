#include "base/postgres/conninfo.h"

#include <postgresql/libpq-fe.h>

#include <algorithm>
#include <cassert>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/net/host_port.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// Their values are nobody's to read.
constexpr std::string_view kSecretKeywords[] = {"password", "sslpassword"};

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::vector<std::pair<std::string, std::string>> ValuesOf(
    const PQconninfoOption* options) {
  std::vector<std::pair<std::string, std::string>> given;
  for (const PQconninfoOption* each = options;
       each != nullptr && each->keyword != nullptr; ++each) {
    if (each->val != nullptr) given.emplace_back(each->keyword, each->val);
  }
  return given;
}

// A socket in the file system, too.
bool IsOnThisMachine(std::string_view host) {
  return host.empty() || host[0] == '/' || host[0] == '@' ||
         IsLoopbackHost(host);
}

}  // namespace

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadConninfo(
    const std::string& conninfo) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(conninfo.c_str(), &message));
  PQfreemem(message);  // It may repeat what was to be read.
  if (options == nullptr) {
    return absl::InvalidArgumentError(
        "is not what libpq reads: keywords with values, as in `host=db.example "
        "dbname=ledger user=gateway`, or a postgresql:// URL");
  }
  return ValuesOf(options.get());
}

std::vector<std::pair<std::string, std::string>> ConninfoDefaults() {
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconndefaults());
  return ValuesOf(options.get());
}

absl::Status CheckConninfo(const std::string& conninfo) {
  GATEWAY_ASSIGN_OR_RETURN(const auto given, ReadConninfo(conninfo));
  for (const auto& [keyword, value] : given) {
    for (const std::string_view secret : kSecretKeywords) {
      if (keyword != secret || value.empty()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("has a ", keyword,
                       " in it, where everybody would read it; name it by "
                       "reference, as in `password: env:LEDGER_PASSWORD`"));
    }
  }
  return absl::OkStatus();
}

ServerTrust ServerTrustOf(std::string_view host, std::string_view sslmode) {
  const bool verifies = sslmode == "verify-ca" || sslmode == "verify-full";
  if (verifies || IsOnThisMachine(host)) return ServerTrust::kVerified;
  return sslmode == "require" ? ServerTrust::kUnverified
                              : ServerTrust::kInClear;
}

ServerTrust ServerTrustOf(const std::string& conninfo) {
  const auto given = ReadConninfo(conninfo);
  assert(given.ok());
  std::string hosts;
  std::string addresses;
  std::string sslmode;
  for (const auto& [keyword, value] : *given) {
    if (keyword == "sslmode") sslmode = value;
    if (keyword == "host") hosts = value;
    if (keyword == "hostaddr") addresses = value;
  }
  // The address is what is connected to.
  if (!addresses.empty()) hosts = addresses;
  ServerTrust worst = ServerTrust::kVerified;
  for (const absl::string_view each : absl::StrSplit(hosts, ',')) {
    worst = std::max(worst, ServerTrustOf(ToStd(each), sslmode));
  }
  return worst;
}

}  // namespace gateway
