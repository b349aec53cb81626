#include "base/postgres/conninfo.h"

#include <postgresql/libpq-fe.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// Their values are nobody's to read.
constexpr std::string_view kSecretKeywords[] = {"password", "sslpassword"};

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

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
  std::vector<std::pair<std::string, std::string>> given;
  for (const PQconninfoOption* each = options.get(); each->keyword != nullptr;
       ++each) {
    if (each->val != nullptr) given.emplace_back(each->keyword, each->val);
  }
  return given;
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

}  // namespace gateway
