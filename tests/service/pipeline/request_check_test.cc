#include "service/pipeline/request_check.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/server.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int32_t kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int32_t kInt32Min = std::numeric_limits<int32_t>::min();

llmgateway::config::v1::LimitsConfig Limits() {
  llmgateway::config::v1::LimitsConfig limits;
  limits.set_messages_limit(5);
  limits.set_tools_limit(3);
  limits.set_labels_limit(2);
  return limits;
}

// The smallest request there is.
v1::GenerateRequest Smallest() {
  v1::GenerateRequest request;
  request.set_model("m");
  v1::Message* const message = request.add_messages();
  message->set_role(v1::ROLE_USER);
  message->add_parts()->set_text("hi");
  return request;
}

// The smallest one with `text` besides.
v1::GenerateRequest With(const std::string& text) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
      << text;
  v1::GenerateRequest whole = Smallest();
  whole.MergeFrom(request);
  return whole;
}

// The paths at fault.
std::vector<std::string> Paths(const v1::GenerateRequest& request) {
  const absl::Status status =
      CheckRequest(request, Limits(), /*needs_model=*/true);
  if (status.ok()) return {};
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  std::vector<std::string> paths;
  for (const auto& [path, description] : FieldViolations(status)) {
    EXPECT_FALSE(description.empty());
    paths.push_back(path);
  }
  return paths;
}

std::vector<std::string> PathsWith(const std::string& text) {
  return Paths(With(text));
}

TEST(RequestCheckTest, TheSmallestRequestPasses) {
  EXPECT_THAT(Paths(Smallest()), IsEmpty());
}

TEST(RequestCheckTest, ARequestThatUsesEverythingPasses) {
  EXPECT_THAT(PathsWith(R"(
      max_output_tokens: 1
      sampling { temperature: 2 top_p: 1 top_k: 2147483647
        frequency_penalty: -2 presence_penalty: 2 seed: -9223372036854775808
        stop: "END" logprobs: true top_logprobs: 20 choice_count: 128
        logit_bias { key: "50256" value: -100 } }
      tools { function { name: "f_1-A" parameters_schema: "{}" strict: true } }
      tools { custom { name: "c" grammar_syntax: "lark"
                       grammar_definition: "start: x" } }
      tools { provider { dialect: "anthropic_messages" json: "{}" } }
      tool_choice { mode: MODE_TOOL tool_name: "f_1-A"
                    tool_kind: TOOL_KIND_FUNCTION allowed_tools: "c" }
      parallel_tool_calls: false
      response_format { kind: KIND_JSON_SCHEMA name: "n" schema: "{}" }
      reasoning { effort: EFFORT_MAX mode: MODE_ENABLED budget_tokens: 1
                  display: "omitted" }
      scope { user_id: "u" session_id: "s" work_order_id: "w" agent_id: "a"
              agent_type: "t" project_id: "p" }
      labels { key: "a" value: "b" }
      provider_id: "openai" domain_tags: "t"
      selection { node_name: "n" capabilities: "vision"
                  strategy: STRATEGY_PERFORMANCE_OPTIMIZED }
      previous_response_id: "r"
      audio_output { voice: "v" format: "wav" } modalities: "audio"
      extensions { dialect: "openai_chat" name: "x" json: "null" }
      idempotency_key: "k" service_tier: "auto"
      cache_hint { ttl { seconds: 300 } } prompt_cache_key: "k"
      verbosity: "low" store: true strict_output: true)"),
              IsEmpty());
}

TEST(RequestCheckTest, AnEmptyRequestLacksModelAndMessages) {
  EXPECT_THAT(Paths({}), ElementsAre("model", "messages"));
}

TEST(RequestCheckTest, AModelsNameIsBoundedAndPrintable) {
  v1::GenerateRequest request = Smallest();
  request.set_model(std::string(256, 'm'));
  EXPECT_THAT(Paths(request), IsEmpty());
  request.set_model(std::string(257, 'm'));
  EXPECT_THAT(Paths(request), ElementsAre("model"));
  std::string wide;
  for (int i = 0; i < 256; ++i) wide += "模";
  request.set_model(wide);
  EXPECT_THAT(Paths(request), IsEmpty());
  for (const char* bad : {"a\nb", "a\rb", "\x7f", "a\x01"}) {
    request.set_model(bad);
    EXPECT_THAT(Paths(request), ElementsAre("model")) << bad;
  }
  request.set_model(std::string("a\0b", 3));
  EXPECT_THAT(Paths(request), ElementsAre("model"));
}

TEST(RequestCheckTest, MessagesAreCounted) {
  v1::GenerateRequest request = Smallest();
  while (request.messages_size() < 5) {
    *request.add_messages() = request.messages(0);
  }
  EXPECT_THAT(Paths(request), IsEmpty());
  // Beyond the limit nothing more is looked at.
  request.add_messages();
  EXPECT_THAT(Paths(request), ElementsAre("messages"));
}

TEST(RequestCheckTest, MessagesAreCheckedEachAtItsPlace) {
  EXPECT_THAT(PathsWith("messages { role: ROLE_USER parts { text: \"t\" } "
                        "parts { image {} } } messages {}"),
              UnorderedElementsAre("messages[1].parts[1].image",
                                   "messages[2].role", "messages[2].parts"));
}

TEST(RequestCheckTest, TokensAreAtLeastOne) {
  v1::GenerateRequest request = Smallest();
  for (const int32_t bad : {0, -1, kInt32Min}) {
    request.set_max_output_tokens(bad);
    request.mutable_reasoning()->set_budget_tokens(bad);
    EXPECT_THAT(Paths(request),
                UnorderedElementsAre("max_output_tokens",
                                     "reasoning.budget_tokens"));
  }
  for (const int32_t good : {1, kInt32Max}) {
    request.set_max_output_tokens(good);
    request.mutable_reasoning()->set_budget_tokens(good);
    EXPECT_THAT(Paths(request), IsEmpty());
  }
}

// A number of Sampling with the ends of its range.
struct Range {
  const char* name;
  void (*set)(v1::Sampling& sampling, double value);
  double min;
  double max;
};

const Range kRanges[] = {
    {"temperature",
     [](v1::Sampling& s, double v) { s.set_temperature(v); }, 0, 2},
    {"top_p", [](v1::Sampling& s, double v) { s.set_top_p(v); }, 0, 1},
    {"frequency_penalty",
     [](v1::Sampling& s, double v) { s.set_frequency_penalty(v); }, -2, 2},
    {"presence_penalty",
     [](v1::Sampling& s, double v) { s.set_presence_penalty(v); }, -2, 2},
    {"logit_bias[7]",
     [](v1::Sampling& s, double v) { (*s.mutable_logit_bias())["7"] = v; },
     -100, 100},
};

TEST(RequestCheckTest, NumbersKeepToTheirRange) {
  for (const Range& range : kRanges) {
    v1::GenerateRequest request = Smallest();
    const auto paths = [&](double value) {
      range.set(*request.mutable_sampling(), value);
      return Paths(request);
    };
    const std::string path = absl::StrCat("sampling.", range.name);
    EXPECT_THAT(paths(range.min), IsEmpty()) << path;
    EXPECT_THAT(paths(range.max), IsEmpty()) << path;
    EXPECT_THAT(paths(range.min - 1e-9), ElementsAre(path));
    EXPECT_THAT(paths(range.max + 1e-9), ElementsAre(path));
    EXPECT_THAT(paths(kNan), ElementsAre(path));
    EXPECT_THAT(paths(kInfinity), ElementsAre(path));
    EXPECT_THAT(paths(-kInfinity), ElementsAre(path));
  }
}

TEST(RequestCheckTest, WholeNumbersKeepToTheirRange) {
  EXPECT_THAT(PathsWith("sampling { top_k: 0 top_logprobs: 0 }"), IsEmpty());
  EXPECT_THAT(PathsWith("sampling { top_k: -1 }"),
              ElementsAre("sampling.top_k"));
  EXPECT_THAT(PathsWith("sampling { top_logprobs: 21 }"),
              ElementsAre("sampling.top_logprobs"));
  EXPECT_THAT(PathsWith("sampling { top_logprobs: -1 }"),
              ElementsAre("sampling.top_logprobs"));
  for (const char* bad : {"0", "-1", "129", "2147483647", "-2147483648"}) {
    EXPECT_THAT(PathsWith(absl::StrCat("sampling { choice_count: ", bad, "}")),
                ElementsAre("sampling.choice_count"))
        << bad;
  }
  EXPECT_THAT(PathsWith("sampling { seed: 9223372036854775807 }"), IsEmpty());
}

TEST(RequestCheckTest, StopTextsAreFewAndNotEmpty) {
  v1::GenerateRequest request = Smallest();
  for (int i = 0; i < 16; ++i) request.mutable_sampling()->add_stop("s");
  EXPECT_THAT(Paths(request), IsEmpty());
  request.mutable_sampling()->add_stop("s");
  EXPECT_THAT(Paths(request), ElementsAre("sampling.stop"));
  EXPECT_THAT(PathsWith("sampling { stop: \"a\" stop: \"\" }"),
              ElementsAre("sampling.stop[1]"));
}

TEST(RequestCheckTest, ToolsAreCountedAndNamed) {
  const std::string tool = "tools { function { name: \"f\" } }";
  EXPECT_THAT(PathsWith(tool + tool + tool), IsEmpty());
  EXPECT_THAT(PathsWith(tool + tool + tool + tool), ElementsAre("tools"));
  EXPECT_THAT(PathsWith("tools {}"), ElementsAre("tools[0]"));
  const auto named = [](const std::string& name) {
    v1::GenerateRequest request = Smallest();
    request.add_tools()->mutable_function()->set_name(name);
    request.add_tools()->mutable_custom()->set_name(name);
    return Paths(request);
  };
  EXPECT_THAT(named(std::string(64, 'f')), IsEmpty());
  for (const std::string& bad :
       {std::string(), std::string(65, 'f'), std::string("a b"),
        std::string("ä"), std::string("a.b"), std::string("a\0", 2)}) {
    EXPECT_THAT(named(bad), ElementsAre("tools[0].function.name",
                                        "tools[1].custom.name"))
        << bad;
  }
}

TEST(RequestCheckTest, ToolsAreWhole) {
  EXPECT_THAT(
      PathsWith(R"(tools { function { name: "f" parameters_schema: "{" } })"),
      ElementsAre("tools[0].function.parameters_schema"));
  EXPECT_THAT(PathsWith(R"(tools { function {
                             name: "f" parameters_schema: '["\\ud800"]' } }
                           tools { function {
                             name: "f"
                             parameters_schema: '["\\ud83d\\ude00"]' } })"),
              ElementsAre("tools[0].function.parameters_schema"));
  EXPECT_THAT(PathsWith("tools { provider {} }"),
              UnorderedElementsAre("tools[0].provider.dialect",
                                   "tools[0].provider.json"));
  EXPECT_THAT(
      PathsWith(R"(tools { custom { name: "c" grammar_syntax: "regex" } })"),
      ElementsAre("tools[0].custom.grammar_definition"));
  EXPECT_THAT(PathsWith(R"(tools { function { name: "f" }
                                   cache_hint { ttl { nanos: -1 } }
                                   extensions { dialect: "d" name: "n" } })"),
              UnorderedElementsAre("tools[0].cache_hint.ttl",
                                   "tools[0].extensions[0].json"));
}

TEST(RequestCheckTest, ASchemaNestedTooDeeplyIsRefusedQuickly) {
  v1::GenerateRequest request = Smallest();
  v1::FunctionTool* const tool = request.add_tools()->mutable_function();
  tool->set_name("f");
  std::string schema;
  for (int i = 0; i < 100'000; ++i) schema += "{\"a\":";
  tool->set_parameters_schema(schema + "1" + std::string(100'000, '}'));
  EXPECT_THAT(Paths(request),
              ElementsAre("tools[0].function.parameters_schema"));
}

TEST(RequestCheckTest, AToolChoiceFitsTheTools) {
  const std::string tool = "tools { function { name: \"f\" } }";
  EXPECT_THAT(PathsWith(tool + "tool_choice { mode: 77 tool_kind: 9 }"),
              UnorderedElementsAre("tool_choice.mode",
                                   "tool_choice.tool_kind"));
  EXPECT_THAT(PathsWith(tool + "tool_choice { mode: MODE_TOOL }"),
              ElementsAre("tool_choice.tool_name"));
  EXPECT_THAT(PathsWith("tool_choice { mode: MODE_REQUIRED }"),
              ElementsAre("tools"));
  EXPECT_THAT(
      PathsWith("tool_choice { mode: MODE_TOOL tool_name: \"f\" }"),
      ElementsAre("tools"));
  EXPECT_THAT(PathsWith("tool_choice { mode: MODE_AUTO }"), IsEmpty());
  EXPECT_THAT(PathsWith(tool + "tool_choice { allowed_tools: \"f\" "
                               "allowed_tools: \"g\" }"),
              ElementsAre("tool_choice.allowed_tools"));
  EXPECT_THAT(PathsWith(tool + "tool_choice { allowed_tools: \"\" }"),
              ElementsAre("tool_choice.allowed_tools[0]"));
}

TEST(RequestCheckTest, AFormatIsKnownAndHasItsSchema) {
  EXPECT_THAT(PathsWith("response_format { kind: 9 }"),
              ElementsAre("response_format.kind"));
  for (const char* schema : {"", "{", "{\\\"a\\\"}", "not json"}) {
    EXPECT_THAT(
        PathsWith(absl::StrCat("response_format { kind: KIND_JSON_SCHEMA "
                               "schema: \"", schema, "\" }")),
        ElementsAre("response_format.schema"))
        << schema;
  }
  EXPECT_THAT(PathsWith("response_format { kind: KIND_JSON_OBJECT }"),
              IsEmpty());
  EXPECT_THAT(PathsWith("response_format { name: \"a b\" }"),
              ElementsAre("response_format.name"));
}

TEST(RequestCheckTest, EnumsAreKnown) {
  EXPECT_THAT(PathsWith("reasoning { effort: 99 mode: -5 }"),
              UnorderedElementsAre("reasoning.effort", "reasoning.mode"));
}

TEST(RequestCheckTest, LabelsAreFewAndShort) {
  const auto labelled = [](const std::string& key, const std::string& value) {
    v1::GenerateRequest request = Smallest();
    (*request.mutable_labels())[key] = value;
    return Paths(request);
  };
  std::string wide_64;
  for (int i = 0; i < 64; ++i) wide_64 += "é";
  EXPECT_THAT(labelled(std::string(64, 'k'), std::string(512, 'v')), IsEmpty());
  EXPECT_THAT(labelled(wide_64, "v"), IsEmpty());
  EXPECT_THAT(labelled("k", std::string(513, 'v')), ElementsAre("labels[k]"));
  EXPECT_THAT(labelled(std::string(65, 'k'), "v"),
              ElementsAre("labels[" + std::string(65, 'k') + "]"));
  EXPECT_THAT(labelled(wide_64 + "é", "v"), SizeIs(1));
  EXPECT_THAT(PathsWith("labels { key: \"a\" } labels { key: \"b\" }"),
              IsEmpty());
  EXPECT_THAT(PathsWith("labels { key: \"a\" } labels { key: \"b\" } "
                        "labels { key: \"c\" }"),
              ElementsAre("labels"));
}

// A name with its longest allowed length.
struct Name {
  const char* path;
  void (*set)(v1::GenerateRequest& request, const std::string& text);
  size_t max;
};

const Name kNames[] = {
    {"idempotency_key",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.set_idempotency_key(t);
     },
     128},
    {"provider_id",
     [](v1::GenerateRequest& r, const std::string& t) { r.set_provider_id(t); },
     512},
    {"previous_response_id",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.set_previous_response_id(t);
     },
     512},
    {"service_tier",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.set_service_tier(t);
     },
     512},
    {"prompt_cache_key",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.set_prompt_cache_key(t);
     },
     512},
    {"verbosity",
     [](v1::GenerateRequest& r, const std::string& t) { r.set_verbosity(t); },
     512},
    {"reasoning.display",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_reasoning()->set_display(t);
     },
     512},
    {"scope.user_id",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_scope()->set_user_id(t);
     },
     512},
    {"scope.session_id",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_scope()->set_session_id(t);
     },
     512},
    {"scope.work_order_id",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_scope()->set_work_order_id(t);
     },
     512},
    {"scope.agent_id",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_scope()->set_agent_id(t);
     },
     512},
    {"scope.agent_type",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_scope()->set_agent_type(t);
     },
     512},
    {"scope.project_id",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_scope()->set_project_id(t);
     },
     512},
    {"selection.node_name",
     [](v1::GenerateRequest& r, const std::string& t) {
       r.mutable_selection()->set_node_name(t);
     },
     128},
    {"domain_tags[0]",
     [](v1::GenerateRequest& r, const std::string& t) { r.add_domain_tags(t); },
     128},
    {"modalities[0]",
     [](v1::GenerateRequest& r, const std::string& t) { r.add_modalities(t); },
     256},
};

TEST(RequestCheckTest, NamesAreBounded) {
  for (const Name& name : kNames) {
    v1::GenerateRequest longest = Smallest();
    name.set(longest, std::string(name.max, 'x'));
    EXPECT_THAT(Paths(longest), IsEmpty()) << name.path;
    v1::GenerateRequest longer = Smallest();
    name.set(longer, std::string(name.max + 1, 'x'));
    EXPECT_THAT(Paths(longer), ElementsAre(name.path));
  }
}

TEST(RequestCheckTest, ListsOfNamesAreBoundedAndWithoutGaps) {
  v1::GenerateRequest request = Smallest();
  for (int i = 0; i < 65; ++i) {
    request.add_domain_tags("t");
    request.mutable_selection()->add_capabilities("vision");
    request.add_modalities("text");
  }
  EXPECT_THAT(Paths(request),
              UnorderedElementsAre("domain_tags", "selection.capabilities",
                                   "modalities"));
  v1::GenerateRequest tagged = Smallest();
  for (int i = 0; i < 16; ++i) tagged.add_domain_tags("t");
  EXPECT_THAT(Paths(tagged), IsEmpty());
  tagged.add_domain_tags("t");
  EXPECT_THAT(Paths(tagged), ElementsAre("domain_tags"));
  EXPECT_THAT(PathsWith("domain_tags: \"a\" domain_tags: \"\""),
              ElementsAre("domain_tags[1]"));
}

TEST(RequestCheckTest, SpokenOutputHasAVoiceAndAFormat) {
  EXPECT_THAT(PathsWith("audio_output {}"),
              UnorderedElementsAre("audio_output.voice",
                                   "audio_output.format"));
}

// What is written into a provider's request as it stands must not be able to
// say anything else there.
TEST(RequestCheckTest, ExtensionsAreOneJsonValueEach) {
  EXPECT_THAT(PathsWith("extensions {}"),
              UnorderedElementsAre("extensions[0].dialect",
                                   "extensions[0].name",
                                   "extensions[0].json"));
  for (const char* json :
       {"", " ", "1,\\\"model\\\":\\\"other\\\"", "{} ", "}{", "tru"}) {
    const std::vector<std::string> paths = PathsWith(absl::StrCat(
        "extensions { dialect: \"d\" name: \"n\" json: \"", json, "\" }"));
    if (std::string(json) == "{} ") {
      EXPECT_THAT(paths, IsEmpty());
    } else {
      EXPECT_THAT(paths, ElementsAre("extensions[0].json")) << json;
    }
  }
}

TEST(RequestCheckTest, ACacheHintIsNotNegative) {
  EXPECT_THAT(PathsWith("cache_hint { ttl { seconds: -9223372036854775808 } }"),
              ElementsAre("cache_hint.ttl"));
}

TEST(RequestCheckTest, ReportsEverythingAtOnce) {
  v1::GenerateRequest request = With(
      "max_output_tokens: 0 sampling { temperature: 3 } tools {} "
      "response_format { kind: 9 }");
  request.clear_model();
  EXPECT_THAT(Paths(request),
              UnorderedElementsAre("model", "max_output_tokens",
                                   "sampling.temperature", "tools[0]",
                                   "response_format.kind"));
}

TEST(RequestCheckTest, NamesTwentyFieldsAndCountsTheRest) {
  v1::GenerateRequest request = Smallest();
  for (int i = 0; i < 100; ++i) {
    request.mutable_messages(0)->add_parts()->mutable_image();
  }
  const absl::Status status =
      CheckRequest(request, Limits(), /*needs_model=*/true);
  EXPECT_THAT(FieldViolations(status), SizeIs(20));
  EXPECT_EQ(status.message(),
            "messages[0].parts[1].image sets no source: url, data or file_id "
            "(and 99 more)");
}

TEST(RequestCheckTest, TextsArePassedWhateverTheySay) {
  v1::GenerateRequest request = Smallest();
  for (const std::string& text :
       {std::string("\xEF\xBB\xBF", 3), std::string("a\0b", 3),
        std::string("\u202Eevil"), std::string()}) {
    request.mutable_messages(0)->mutable_parts(0)->set_text(text);
    EXPECT_THAT(Paths(request), IsEmpty());
  }
}

TEST(RequestCheckTest, UnknownFieldsAreIgnored) {
  std::string bytes = Smallest().SerializeAsString();
  // Field 5000, a varint.
  bytes += std::string("\xC0\xB8\x02\x07", 4);
  v1::GenerateRequest request;
  ASSERT_TRUE(request.ParseFromString(bytes));
  EXPECT_THAT(Paths(request), IsEmpty());
}

}  // namespace
}  // namespace gateway
