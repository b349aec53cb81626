// Neutral messages out of their text form, for tests of this dialect.
//
//   const auto request = Parse<v1::GenerateRequest>("max_output_tokens: 1");

#ifndef TESTS_PROVIDERS_DIALECTS_OLLAMA_NEUTRAL_TEXT_H_
#define TESTS_PROVIDERS_DIALECTS_OLLAMA_NEUTRAL_TEXT_H_

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway::ollama {

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message))
      << text;
  return message;
}

}  // namespace gateway::ollama

#endif  // TESTS_PROVIDERS_DIALECTS_OLLAMA_NEUTRAL_TEXT_H_
