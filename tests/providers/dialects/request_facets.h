// Takes a request apart into facets that can be compared one by one, so that a
// test can say which of them a format has lost, and whether it has said so.
//
//   for (const std::string& lost : LostFacets(before, after)) {
//     EXPECT_TRUE(IsTold(lost, warnings)) << lost;
//   }

#ifndef TESTS_PROVIDERS_DIALECTS_REQUEST_FACETS_H_
#define TESTS_PROVIDERS_DIALECTS_REQUEST_FACETS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// By name; a facet of which nothing is said is absent.
using Facets = std::map<std::string, std::string>;

class FacetReader {
 public:
  explicit FacetReader(const v1::GenerateRequest& request) : request_(request) {
    for (const v1::Message& message : request.messages()) {
      ReadMessage(message);
    }
    for (const v1::Tool& tool : request.tools()) ReadTool(tool);
    ReadToolChoice();
    ReadSampling();
    ReadReasoning();
    ReadSettings();
    for (const v1::Extension& extension : request.extensions()) {
      Append(extension.name(), extension.json());
    }
  }

  const Facets& facets() const { return facets_; }

 private:
  void Append(const std::string& name, std::string_view value) {
    facets_[name].append(value).append("|");
  }
  void AppendIf(bool set, const std::string& name, std::string_view value) {
    if (set) Append(name, value);
  }

  void ReadMessage(const v1::Message& message) {
    const bool instructs = message.role() == v1::ROLE_SYSTEM ||
                           message.role() == v1::ROLE_DEVELOPER;
    for (const v1::Part& part : message.parts()) {
      AppendIf(part.has_cache_hint(), "cache_hint", "part");
      if (part.has_text()) {
        Append(instructs ? "instructions" : "text", part.text());
      } else if (part.has_image()) {
        const v1::Image& image = part.image();
        Append("image", image.url() + image.file_id() + image.data());
        const bool close = !image.detail().empty() && image.detail() != "auto";
        AppendIf(close, "image.detail", image.detail());
      } else if (IsPlainText(part.document())) {
        Append("text", part.document().text() + part.document().data());
      } else if (part.has_document()) {
        Append("document", part.document().url() + part.document().data());
      } else if (part.has_reasoning()) {
        Append("reasoning",
               part.reasoning().text() + "/" + part.reasoning().signature());
      } else if (part.has_tool_call()) {
        Append("tool_call",
               absl::StrCat(part.tool_call().id(), " ", part.tool_call().name(),
                            " ", part.tool_call().arguments()));
      } else if (part.has_tool_result()) {
        ReadResult(part.tool_result());
      }
    }
  }

  // Bytes that are text say the same as a text.
  static bool IsPlainText(const v1::Document& document) {
    return document.has_text() ||
           (document.has_data() && document.media_type().starts_with("text/"));
  }

  void ReadResult(const v1::ToolResult& result) {
    std::string text = result.tool_call_id();
    for (const v1::Part& part : result.parts()) {
      absl::StrAppend(&text, " ", part.text());
    }
    Append("tool_result", text);
    AppendIf(result.is_error(), "tool_result.is_error", result.tool_call_id());
  }

  void ReadTool(const v1::Tool& tool) {
    const v1::FunctionTool& function = tool.function();
    Append("tools", absl::StrCat(function.name(), " ", function.description(),
                                 " ", function.parameters_schema()));
    AppendIf(function.strict(), "function.strict", function.name());
    AppendIf(tool.has_cache_hint(), "cache_hint", "tool");
  }

  // To say that the model decides is to say nothing.
  void ReadToolChoice() {
    const v1::ToolChoice& choice = request_.tool_choice();
    AppendIf(choice.mode() > v1::ToolChoice::MODE_AUTO, "tool_choice",
             absl::StrCat(choice.mode(), choice.tool_name()));
    AppendIf(
        request_.has_parallel_tool_calls() && !request_.parallel_tool_calls(),
        "parallel_tool_calls", "false");
  }

  void Number(bool set, const std::string& name, double value) {
    AppendIf(set, name, absl::StrCat(value));
  }

  void ReadSampling() {
    const v1::Sampling& sampling = request_.sampling();
    Number(sampling.has_temperature(), "sampling.temperature",
           sampling.temperature());
    Number(sampling.has_top_p(), "sampling.top_p", sampling.top_p());
    Number(sampling.has_top_k(), "sampling.top_k", sampling.top_k());
    Number(sampling.has_frequency_penalty(), "sampling.frequency_penalty",
           sampling.frequency_penalty());
    Number(sampling.has_presence_penalty(), "sampling.presence_penalty",
           sampling.presence_penalty());
    Number(sampling.has_seed(), "sampling.seed",
           static_cast<double>(sampling.seed()));
    Number(sampling.logprobs(), "sampling.logprobs", 1);
    Number(sampling.has_top_logprobs(), "sampling.top_logprobs",
           sampling.top_logprobs());
    for (const std::string& stop : sampling.stop()) {
      Append("sampling.stop", stop);
    }
    for (const auto& [token, bias] : sampling.logit_bias()) {
      Append("sampling.logit_bias", absl::StrCat(token, " ", bias));
    }
  }

  // No effort and no mode are two words for the same.
  void ReadReasoning() {
    using Settings = v1::ReasoningSettings;
    const Settings& settings = request_.reasoning();
    const bool none = settings.mode() == Settings::MODE_DISABLED;
    if (none || settings.effort() != Settings::EFFORT_UNSPECIFIED) {
      Append("reasoning.effort",
             absl::StrCat(none ? Settings::EFFORT_NONE : settings.effort()));
    }
    const bool open = settings.mode() == Settings::MODE_ENABLED ||
                      settings.mode() == Settings::MODE_ADAPTIVE;
    AppendIf(open, "reasoning.mode", absl::StrCat(settings.mode()));
    Number(settings.has_budget_tokens(), "reasoning.budget_tokens",
           settings.budget_tokens());
  }

  void ReadSettings() {
    const v1::ResponseFormat& format = request_.response_format();
    AppendIf(format.kind() > v1::ResponseFormat::KIND_TEXT, "response_format",
             absl::StrCat(format.kind(), " ", format.schema()));
    Number(request_.has_max_output_tokens(), "max_output_tokens",
           request_.max_output_tokens());
    const std::string& user = request_.scope().user_id();
    AppendIf(!user.empty(), "scope.user_id", user);
    const std::string& key = request_.prompt_cache_key();
    AppendIf(!key.empty(), "prompt_cache_key", key);
    AppendIf(!request_.verbosity().empty(), "verbosity", request_.verbosity());
    const std::string& tier = request_.service_tier();
    // The provider decides anyhow.
    AppendIf(!tier.empty() && tier != "auto", "service_tier", tier);
    AppendIf(request_.store(), "store", "true");
    AppendIf(request_.has_cache_hint(), "cache_hint", "request");
  }

  const v1::GenerateRequest& request_;
  Facets facets_;
};

inline Facets FacetsOf(const v1::GenerateRequest& request) {
  return FacetReader(request).facets();
}

// The facets of `before` that are not the same in `after`, and those that
// nobody had spoken of before.
inline std::vector<std::string> LostFacets(const v1::GenerateRequest& before,
                                           const v1::GenerateRequest& after) {
  const Facets old_facets = FacetsOf(before);
  const Facets new_facets = FacetsOf(after);
  std::vector<std::string> lost;
  for (const auto& [name, value] : old_facets) {
    const auto found = new_facets.find(name);
    if (found == new_facets.end() || found->second != value) {
      lost.push_back(name);
    }
  }
  for (const auto& [name, value] : new_facets) {
    if (!old_facets.contains(name)) lost.push_back(name);
  }
  return lost;
}

// Whether a warning names the facet, or something of it, wherever it stands.
inline bool IsTold(std::string_view facet,
                   const std::vector<v1::Warning>& warnings) {
  // Where there is no mode there may be a degree, and the other way round.
  if (facet == "reasoning.effort" && IsTold("reasoning.mode", warnings)) {
    return true;
  }
  for (const v1::Warning& warning : warnings) {
    std::string_view field = warning.field();
    if (field == facet || field.ends_with("." + std::string(facet)) ||
        field == "extensions[" + std::string(facet) + "]") {
      return true;
    }
    for (const std::string_view place :
         {"messages[].parts[].", "messages[].", "tools[]."}) {
      if (field.starts_with(place)) field.remove_prefix(place.size());
    }
    if (field.starts_with(std::string(facet) + ".")) return true;
  }
  return false;
}

}  // namespace gateway

#endif  // TESTS_PROVIDERS_DIALECTS_REQUEST_FACETS_H_
