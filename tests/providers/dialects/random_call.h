// Makes up requests and answers, the same from the same seed, of what most
// formats know and of what only some do.
//
//   RandomCall random(7);
//   const v1::GenerateRequest request = random.Request();
//   const v1::GenerateResponse response = random.Response();
//
// A request is one that every provider could be sent: it ends in the user's
// words, every tool call is answered, ids and names are of the alphabet that
// all formats share.
//
// Thread-compatible.

#ifndef TESTS_PROVIDERS_DIALECTS_RANDOM_CALL_H_
#define TESTS_PROVIDERS_DIALECTS_RANDOM_CALL_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/testing/fake_random.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

class RandomCall {
 public:
  explicit RandomCall(uint64_t seed) : random_(seed) {}

  v1::GenerateRequest Request() {
    v1::GenerateRequest request;
    request.set_model("m");
    calls_ = 0;
    const bool has_tools = Chance(2);
    if (has_tools) AddTools(&request);
    if (Chance(2)) AddWords(v1::ROLE_SYSTEM, &request);
    const int turns = Number(3);
    for (int i = 0; i < turns; ++i) {
      AddUserTurn(&request);
      AddModelTurn(has_tools, &request);
    }
    AddUserTurn(&request);
    AddSettings(&request);
    AddSampling(&request);
    return request;
  }

  v1::GenerateResponse Response() {
    v1::GenerateResponse response;
    response.set_id(absl::StrCat("answer-", Number(1000)));
    response.set_model("m");
    calls_ = 0;
    v1::Choice* choice = response.add_choices();
    v1::Message* message = choice->mutable_message();
    message->set_role(v1::ROLE_ASSISTANT);
    if (Chance(3)) {
      message->add_parts()->mutable_reasoning()->set_text(Words());
    }
    const int calls = Chance(2) ? Number(3) : 0;
    if (calls == 0 || Chance(2)) message->add_parts()->set_text(Words());
    for (int i = 0; i < calls; ++i) {
      AddCall(message->add_parts()->mutable_tool_call());
    }
    choice->set_finish_reason(Chance(4)   ? v1::FINISH_REASON_LENGTH
                              : calls > 0 ? v1::FINISH_REASON_TOOL_CALLS
                                          : v1::FINISH_REASON_STOP);
    response.mutable_usage()->set_input_tokens(20 + Number(100));
    response.mutable_usage()->set_output_tokens(10 + Number(100));
    response.mutable_usage()->set_cached_input_tokens(Number(10));
    return response;
  }

  // Less than `limit`.
  int Number(int limit) {
    return static_cast<int>(random_.Bits() % static_cast<uint64_t>(limit));
  }
  // One time in so many.
  bool Chance(int times) { return Number(times) == 0; }

  std::string Words() {
    std::string words;
    for (int i = Number(4); i >= 0; --i) {
      absl::StrAppend(&words, words.empty() ? "" : " ",
                      Pick({"rain", "\xc3\xa5land", "\"quoted\"", "two\nlines",
                            "\xf0\x9f\x98\x80", "{}", "\\n", "7"}));
    }
    return words;
  }

 private:
  std::string Pick(std::initializer_list<const char*> choices) {
    return choices.begin()[Number(static_cast<int>(choices.size()))];
  }

  void AddWords(v1::Role role, v1::GenerateRequest* request) {
    v1::Message* message = request->add_messages();
    message->set_role(role);
    message->add_parts()->set_text(Words());
  }

  void AddUserTurn(v1::GenerateRequest* request) {
    v1::Message* message = request->add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text(Words());
    if (Chance(3)) AddImage(message->add_parts()->mutable_image());
    if (Chance(6)) AddDocument(message->add_parts()->mutable_document());
    if (Chance(8)) message->mutable_parts(0)->mutable_cache_hint();
  }

  void AddImage(v1::Image* image) {
    if (Chance(2)) {
      image->set_url("https://example.com/a.png");
    } else {
      image->set_data(absl::StrCat("\x89PNG", Number(1000)));
      image->set_media_type("image/png");
    }
    if (Chance(3)) image->set_detail(Pick({"auto", "low", "high"}));
  }

  void AddDocument(v1::Document* document) {
    if (Chance(3)) {
      document->set_url("https://example.com/a.pdf");
    } else if (Chance(2)) {
      document->set_text(Words());
    } else {
      document->set_data(absl::StrCat("%PDF-", Number(1000)));
      document->set_media_type("application/pdf");
      document->set_filename("a.pdf");
    }
  }

  void AddCall(v1::ToolCall* call) {
    call->set_id(absl::StrCat("call_", ++calls_));
    call->set_name(Pick({"get_weather", "get_time"}));
    call->set_arguments(
        absl::StrCat("{\"n\":", Number(1000), ",\"s\":\"a \\\"b\\\"\"}"));
    call->set_kind(v1::TOOL_KIND_FUNCTION);
  }

  void AddModelTurn(bool has_tools, v1::GenerateRequest* request) {
    v1::Message* message = request->add_messages();
    message->set_role(v1::ROLE_ASSISTANT);
    if (Chance(4)) {
      v1::Reasoning* reasoning = message->add_parts()->mutable_reasoning();
      reasoning->set_text(Words());
      if (Chance(2)) reasoning->set_signature("EqQBsigned==");
    }
    message->add_parts()->set_text(Words());
    const int calls = has_tools ? Number(3) : 0;
    const int first = calls_;
    for (int i = 0; i < calls; ++i) {
      AddCall(message->add_parts()->mutable_tool_call());
    }
    for (int i = 0; i < calls; ++i) {
      v1::Message* answer = request->add_messages();
      answer->set_role(v1::ROLE_TOOL);
      v1::ToolResult* result = answer->add_parts()->mutable_tool_result();
      result->set_tool_call_id(absl::StrCat("call_", first + 1 + i));
      // No object by itself, which some formats take for the result's own form.
      result->add_parts()->set_text(absl::StrCat("It says: ", Words()));
      result->set_is_error(Chance(5));
    }
  }

  void AddTools(v1::GenerateRequest* request) {
    for (const std::string_view name : {"get_weather", "get_time"}) {
      v1::FunctionTool* function = request->add_tools()->mutable_function();
      function->set_name(std::string(name));
      if (Chance(2)) function->set_description(Words());
      function->set_parameters_schema(
          R"({"type":"object","properties":{"n":{"type":"integer"}}})");
      if (Chance(3)) function->set_strict(Chance(2));
    }
    if (Chance(4)) request->mutable_tools(0)->mutable_cache_hint();
    if (Chance(2)) {
      v1::ToolChoice* choice = request->mutable_tool_choice();
      const v1::ToolChoice::Mode kModes[] = {
          v1::ToolChoice::MODE_AUTO, v1::ToolChoice::MODE_NONE,
          v1::ToolChoice::MODE_REQUIRED, v1::ToolChoice::MODE_TOOL};
      choice->set_mode(kModes[Number(4)]);
      if (choice->mode() == v1::ToolChoice::MODE_TOOL) {
        choice->set_tool_name("get_time");
        choice->set_tool_kind(v1::TOOL_KIND_FUNCTION);
      }
    }
    // What no tool may be called in parallel with says nothing.
    if (request->tool_choice().mode() != v1::ToolChoice::MODE_NONE &&
        Chance(3)) {
      request->set_parallel_tool_calls(Chance(2));
    }
  }

  void AddSettings(v1::GenerateRequest* request) {
    request->set_max_output_tokens(64 + Number(1000));
    if (Chance(3)) request->mutable_scope()->set_user_id("u-1");
    if (Chance(4)) request->set_prompt_cache_key("k");
    if (Chance(4)) request->set_verbosity(Pick({"low", "high"}));
    if (Chance(4)) request->set_store(true);
    if (Chance(4)) request->set_service_tier(Pick({"auto", "flex"}));
    if (Chance(6)) request->mutable_cache_hint();
    if (Chance(3)) {
      v1::ResponseFormat* format = request->mutable_response_format();
      if (Chance(3)) {
        format->set_kind(v1::ResponseFormat::KIND_JSON_OBJECT);
      } else {
        format->set_kind(v1::ResponseFormat::KIND_JSON_SCHEMA);
        format->set_name("answer");
        format->set_schema(R"({"type":"object"})");
      }
    }
    if (Chance(3)) {
      request->mutable_reasoning()->set_effort(
          static_cast<v1::ReasoningSettings::Effort>(
              v1::ReasoningSettings::EFFORT_MINIMAL + Number(6)));
    } else if (Chance(5)) {
      request->mutable_reasoning()->set_mode(
          v1::ReasoningSettings::MODE_ENABLED);
      request->mutable_reasoning()->set_budget_tokens(1024);
    }
    for (const std::string_view dialect :
         {"openai_chat", "anthropic_messages", "openai_responses"}) {
      if (!Chance(6)) continue;
      v1::Extension* extension = request->add_extensions();
      extension->set_dialect(std::string(dialect));
      extension->set_name(absl::StrCat("new_", std::string(dialect)));
      extension->set_json("{\"a\":[1,null]}");
    }
  }

  void AddSampling(v1::GenerateRequest* request) {
    v1::Sampling sampling;
    // Of the range that all allow.
    if (Chance(3)) sampling.set_temperature(Number(5) * 0.25);
    if (Chance(4)) sampling.set_top_p(0.5);
    if (Chance(6)) sampling.set_top_k(40);
    if (Chance(6)) sampling.set_frequency_penalty(0.5);
    if (Chance(6)) sampling.set_presence_penalty(-0.5);
    if (Chance(6)) sampling.set_seed(Number(1000));
    if (Chance(4)) sampling.add_stop("END");
    if (Chance(8)) (*sampling.mutable_logit_bias())["50256"] = -10;
    if (Chance(8)) {
      sampling.set_logprobs(true);
      sampling.set_top_logprobs(2);
    }
    if (sampling.ByteSizeLong() > 0) *request->mutable_sampling() = sampling;
  }

  FakeRandom random_;
  int calls_ = 0;
};

}  // namespace gateway

#endif  // TESTS_PROVIDERS_DIALECTS_RANDOM_CALL_H_
