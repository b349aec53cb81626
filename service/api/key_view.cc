#include "service/api/key_view.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/config/admission_defaults.h"
#include "service/config/config_problem.h"
#include "service/config/field_ranges.h"
#include "service/config/key_terms.h"

namespace gateway {
namespace {

using Key = v1::Key;

constexpr int64_t kDisplayNameCharactersMax = 128;
// From the year 1 to the end of the year 9999, as
// google/protobuf/timestamp.proto says.
constexpr int64_t kTimeSecondsMin = -62'135'596'800;
constexpr int64_t kTimeSecondsMax = 253'402'300'799;
constexpr int32_t kNanosInSecond = 1'000'000'000;
// How a page token begins. It names what was asked for and the last key of its
// page, so that the next page is right even if keys come between the two.
constexpr absl::string_view kKeyMark = "key:";

constexpr const char* kChangeable[] = {"display_name", "owner",       "scopes",
                                       "labels",       "priority",    "limits",
                                       "budget",       "expire_time", "state"};

bool IsDisplayName(const std::string& name) {
  return CountCharacters(name) <= kDisplayNameCharactersMax &&
         std::none_of(name.begin(), name.end(),
                      [](unsigned char c) { return absl::ascii_iscntrl(c); });
}

}  // namespace

absl::Status CheckKeyRequest(const ConfigSnapshot& snapshot,
                             const google::protobuf::Message& request,
                             const Key& key) {
  const FieldPlaces nowhere;
  ConfigProblems problems("request");
  const auto add = [&](const char* field, const char* message) {
    problems.Add({}, field, message);
  };
  CheckFieldRanges(snapshot.kinds(), request, nowhere, &problems);
  CheckKeyTerms("key", KeyTermsOf(key), nowhere, &problems);
  if (!IsDisplayName(key.display_name())) {
    add("key.display_name",
        "must be at most 128 characters, none of them a control character");
  }
  const auto& rules = snapshot.config().budgets().rules();
  if (!key.budget().empty() &&
      std::none_of(rules.begin(), rules.end(), [&](const auto& rule) {
        return rule.name() == key.budget();
      })) {
    add("key.budget",
        "is the name of none of the configuration's "
        "budgets.rules");
  }
  if (!llmgateway::config::v1::Priority_IsValid(key.priority())) {
    add("key.priority", "is none that there is");
  }
  for (int i = 0; i < key.limits_size(); ++i) {
    if (llmgateway::config::v1::LimitUnit_IsValid(key.limits(i).unit())) {
      continue;
    }
    problems.Add({}, absl::StrCat("key.limits[", i, "].unit"),
                 "is none that there is");
  }
  absl::Status fault;
  for (const ConfigProblem& problem : problems.Sorted()) {
    if (fault.ok()) {
      fault = InvalidField(problem.path, problem.message);
    } else {
      AddFieldViolation(fault, problem.path, problem.message);
    }
  }
  return fault;
}

absl::Status CheckTime(const google::protobuf::Timestamp& time,
                       std::string_view field) {
  if (time.seconds() >= kTimeSecondsMin && time.seconds() <= kTimeSecondsMax &&
      time.nanos() >= 0 && time.nanos() < kNanosInSecond) {
    return absl::OkStatus();
  }
  return InvalidField(field,
                      "must be a time of the years 1 to 9999, with nanos of 0 "
                      "to 999999999");
}

absl::Status CheckKeyUpdateMask(const google::protobuf::FieldMask& mask) {
  const std::string all = absl::StrJoin(kChangeable, ", ");
  if (mask.paths().empty()) {
    return InvalidField(
        "update_mask",
        absl::StrCat("is required: those of ", all, " that are to be changed"));
  }
  for (const std::string& path : mask.paths()) {
    if (std::find(std::begin(kChangeable), std::end(kChangeable), path) !=
        std::end(kChangeable)) {
      continue;
    }
    return InvalidField(
        "update_mask",
        absl::StrCat("'", path, "' cannot be changed; those can be: ", all));
  }
  return absl::OkStatus();
}

void LayOverKey(const Key& from, const google::protobuf::FieldMask& mask,
                Key* to) {
  const auto* const type = Key::descriptor();
  const auto* const reflection = Key::GetReflection();
  for (const std::string& path : mask.paths()) {
    // Swapped out of a copy, so that a field that is not set there is unset.
    Key copy = from;
    reflection->SwapFields(to, &copy, {type->FindFieldByName(path)});
  }
}

void FillKeyLimits(Key* key) {
  for (auto& limit : *key->mutable_limits()) FillKeyLimit(&limit);
}

std::string KeyEtag(const StoredKey& key) { return absl::StrCat(key.version); }

void FillKey(const StoredKey& from, absl::Time now, Key* to) {
  *to = from.record.key();
  to->set_etag(KeyEtag(from));
  if (to->has_previous_secret_expire_time() &&
      ToAbsl(to->previous_secret_expire_time()) <= now) {
    to->clear_previous_secret_expire_time();
  }
}

std::string KeyPageToken(const v1::ListKeysRequest& request,
                         const std::string& last_id) {
  return absl::StrCat(kKeyMark, static_cast<int>(request.state()), "/", last_id,
                      "/", request.owner());
}

absl::StatusOr<std::string> KeyInPageToken(const v1::ListKeysRequest& request) {
  if (request.page_token().empty()) return std::string();
  absl::string_view token = request.page_token();
  // Of the three only the owner may have a slash.
  std::vector<std::string> parts;
  if (absl::ConsumePrefix(&token, kKeyMark)) {
    parts = absl::StrSplit(token, absl::MaxSplits('/', 2));
  }
  if (parts.size() != 3 || parts[1].size() != kIssuedKeyIdBytes) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  if (KeyPageToken(request, parts[1]) != request.page_token()) {
    return InvalidField("page_token",
                        "is of a listing with another owner or state; begin "
                        "again without one");
  }
  return parts[1];
}

}  // namespace gateway
