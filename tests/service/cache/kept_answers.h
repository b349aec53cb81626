// Keys and answers for the tests of this folder.

#ifndef TESTS_SERVICE_CACHE_KEPT_ANSWERS_H_
#define TESTS_SERVICE_CACHE_KEPT_ANSWERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"
#include "service/cache/shared_answer.h"

namespace gateway {

inline RequestKey KeyNumber(uint64_t number) {
  return KeyOfBytes({}, std::to_string(number));
}

inline KeptAnswerPtr AnswerOf(std::string body,
                              std::string request_id = "call_1") {
  KeptAnswer answer;
  answer.body = std::move(body);
  answer.request_id = std::move(request_id);
  return std::make_shared<const KeptAnswer>(std::move(answer));
}

inline KeptAnswerPtr AnswerOf(size_t bytes, std::string request_id = "call_1") {
  return AnswerOf(std::string(bytes, 'x'), std::move(request_id));
}

inline SharedOutcome Good(std::string body) {
  return {.answer = AnswerOf(std::move(body))};
}

}  // namespace gateway

#endif  // TESTS_SERVICE_CACHE_KEPT_ANSWERS_H_
