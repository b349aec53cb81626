#include "service/audit/redaction/error_words.h"

#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ErrorWordsTest, WordsOfErrorsAreKnownInTheirForms) {
  for (const std::string_view word :
       {"model", "models", "exceeded", "exceeds", "requested", "requests",
        "retrying", "queries", "permitted", "streaming", "temperature"}) {
    EXPECT_TRUE(IsErrorWord(word)) << word;
  }
  for (const std::string_view word :
       {"", "s", "hunter", "horse", "staple", "muller", "inge", "embedly"}) {
    EXPECT_FALSE(IsErrorWord(word)) << word;
  }
}

TEST(ErrorWordsTest, NamesThatAreMadeOfThemAre) {
  for (const std::string_view name :
       {"rate_limit_exceeded", "maxOutputTokens", "invalid_api_key",
        "HTTPError", "topK", "error.http-404", "context_length_exceeded"}) {
    EXPECT_TRUE(IsErrorName(name)) << name;
  }
  // No word, more letters than are nothing, more digits, other characters.
  for (const std::string_view name :
       {"", "_", "abc123", "K9x4", "404", "hunter2", "errorhunter",
        "error_hunter", "error_1234", "error words", "err\xc3\xb6r"}) {
    EXPECT_FALSE(IsErrorName(name)) << name;
  }
}

}  // namespace
}  // namespace gateway
