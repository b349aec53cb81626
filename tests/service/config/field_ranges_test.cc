#include "service/config/field_ranges.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "proto/field_marks.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::llmgateway::config::v1::GatewayConfig;

std::vector<std::string> RangeProblemsOf(const GatewayConfig& config) {
  ConfigProblems problems("f");
  CheckFieldRanges(AllProviderKinds(), config, FieldPlaces(), &problems);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems.Sorted()) {
    lines.push_back(problem.ToString());
  }
  return lines;
}

TEST(FieldRangesTest, HoldOnBothSides) {
  GatewayConfig config;
  auto* retry = config.mutable_resilience()->mutable_retry();
  for (const int good : {1, 10}) {
    retry->set_attempts_limit(good);
    EXPECT_TRUE(RangeProblemsOf(config).empty()) << good;
  }
  for (const int bad : {-1, 0, 11}) {
    retry->set_attempts_limit(bad);
    EXPECT_EQ(RangeProblemsOf(config),
              std::vector<std::string>{
                  "f: resilience.retry.attempts_limit: must be 1 to 10"});
  }
}

TEST(FieldRangesTest, HoldForDurationsSizesAndLists) {
  GatewayConfig config;
  auto* timeouts = config.add_providers()
                       ->mutable_openai()
                       ->mutable_http()
                       ->mutable_timeouts();
  timeouts->mutable_connect()->set_nanos(999'999);
  timeouts->mutable_idle()->set_nanos(1'000'000);
  timeouts->mutable_total()->set_seconds(86'400);
  timeouts->mutable_first_byte()->set_seconds(3'600);
  timeouts->mutable_first_byte()->set_nanos(1);
  config.mutable_limits()->set_sse_event_bytes_limit((64 << 20) + 1);
  const std::vector<std::string> expected = {
      "f: providers[0].openai.http.timeouts.connect: must be 1ms to 1h",
      "f: providers[0].openai.http.timeouts.first_byte: must be 1ms to 1h",
      "f: limits.sse_event_bytes_limit: must be 4KiB to 64MiB"};
  EXPECT_EQ(RangeProblemsOf(config), expected);
}

TEST(FieldRangesTest, DefaultsAreWithin) {
  GatewayConfig config;
  config.add_providers()->mutable_openai();
  config.add_providers()->mutable_anthropic();
  config.add_providers()->mutable_mock();
  ApplyDefaults(AllProviderKinds(), &config);
  EXPECT_EQ(RangeProblemsOf(config), std::vector<std::string>());
}

TEST(FieldRangesTest, AreSortedForTheSearch) {
  const std::vector<FieldRange> ranges = FieldRanges(AllProviderKinds());
  EXPECT_TRUE(std::is_sorted(ranges.begin(), ranges.end(),
                             [](const FieldRange& a, const FieldRange& b) {
                               return a.field < b.field;
                             }));
}

void CollectNumbers(const Descriptor& type,
                    std::map<std::string, const FieldDescriptor*>* numbers) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.is_map() || !IsServed(field)) continue;
    const bool is_message =
        field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const bool is_duration =
        is_message &&
        field.message_type()->full_name() == "google.protobuf.Duration";
    const bool is_time =
        is_message &&
        field.message_type()->full_name() == "google.protobuf.Timestamp";
    if (is_message && !is_duration && !is_time) {
      CollectNumbers(*field.message_type(), numbers);
    } else if (is_duration ||
               field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
               field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
               field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      (*numbers)[absl::StrCat(type.name(), ".", field.name())] = &field;
    }
  }
}

// The range that the field's comment states, as "1 to 10".
std::string StatedRange(const FieldDescriptor& field) {
  std::ifstream file(absl::StrCat("proto/", field.file()->name()));
  EXPECT_TRUE(file.is_open()) << field.file()->name();
  const std::regex declaration(
      absl::StrCat(".*\\b", field.name(), " = ", field.number(),
                   "( \\[.*)?;.*"));
  const std::regex message(
      absl::StrCat("message ", field.containing_type()->name(), " \\{"));
  bool within = false;
  std::string comment;
  for (std::string line; std::getline(file, line);) {
    within = within || std::regex_match(line, message);
    const size_t text = line.find("//");
    if (text != std::string::npos) {
      comment += " " + line.substr(text + 2);
    } else if (within && std::regex_match(line, declaration)) {
      break;
    } else {
      comment.clear();
    }
  }
  std::smatch range;
  const std::regex form("([0-9][0-9a-zA-Z]*) +to +([0-9][0-9a-zA-Z]*)[.,]");
  if (!std::regex_search(comment, range, form)) return "none";
  return absl::StrCat(range[1].str(), " to ", range[2].str());
}

TEST(FieldRangesTest, EveryNumberHasOneAndItsCommentSaysTheSame) {
  std::map<std::string, const FieldDescriptor*> numbers;
  CollectNumbers(*GatewayConfig::descriptor(), &numbers);
  std::map<std::string, std::string> stated;
  for (const auto& [name, field] : numbers) stated[name] = StatedRange(*field);
  std::map<std::string, std::string> enforced;
  for (const FieldRange& range : FieldRanges(AllProviderKinds())) {
    enforced[range.field] =
        absl::StrCat(ToAbsl(range.least), " to ", ToAbsl(range.most));
  }
  // One by one, since a whole map is not shown.
  for (const auto& [name, range] : stated) {
    EXPECT_EQ(range, enforced[name]) << name;
  }
  EXPECT_EQ(stated.size(), enforced.size());
}

}  // namespace
}  // namespace gateway
