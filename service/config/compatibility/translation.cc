#include "service/config/compatibility/translation.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace gateway {

void Translation::From(const std::string& written, const std::string& field) {
  places_.Add(field, places_.Find(written));
  problems_.TellAs(field, written);
}

void Translation::Add(const std::string& written, std::string_view message) {
  problems_.Add(places_.Find(written), written, message);
}

void Translation::Warn(const std::string& written, std::string_view message) {
  problems_.Warn(places_.Find(written), written, message);
}

bool Translation::CheckRange(const std::string& written, int64_t value,
                             int64_t least, int64_t most) {
  if (value >= least && value <= most) return true;
  Add(written, absl::StrCat("must be ", least, " to ", most));
  return false;
}

}  // namespace gateway
