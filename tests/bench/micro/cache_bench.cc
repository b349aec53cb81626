// What a call pays for being looked up in the cache, in nanoseconds: the key of
// a request of 1 KB, the look-up, and both.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/sha256.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/cache/canonical_json.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"
#include "service/cache/response_cache.h"

namespace gateway {
namespace {

constexpr int kRuns = 200'000;

// Prints the best of a few rounds, since others share the machine.
void Measure(const char* name, const std::function<void()>& run) {
  constexpr int kRounds = 7;
  double best = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const absl::Duration start = SystemClock().SteadyTime();
    for (int i = 0; i < kRuns; ++i) run();
    const absl::Duration taken = SystemClock().SteadyTime() - start;
    best = std::min(best, absl::ToDoubleNanoseconds(taken) / kRuns);
  }
  printf("%-44s %8.1f ns\n", name, best);
}

// A request of 1 KB with a few turns, as clients write it.
std::string Body() {
  std::string body =
      R"({"model": "gpt-4.1-mini", "temperature": 0.7, "max_tokens": 512, )"
      R"("user": "user-1234", "messages": [{"role": "system", "content": )"
      R"("You are a helpful assistant that answers in one sentence."}, )";
  for (int turn = 0; turn < 4; ++turn) {
    body += R"({"role": "user", "content": "Which of the two is \"larger\",)"
            R"( and why does it matter to somebody who counts them?\n"}, )"
            R"({"role": "assistant", "content": "The first one, since it )"
            R"(comes before the second one."}, )";
  }
  return body + R"({"role": "user", "content": "Again?"}]})";
}

void Run() {
  const std::string body = Body();
  const std::vector<std::string_view> left_out = {
      "user", "metadata", "safety_identifier", "prompt_cache_key"};
  const RequestScope scope = {
      .caller = "team-a", .api = "openai_chat", .operation = "generate"};
  ResponseCache cache({.ttl = absl::Hours(1),
                       .entries = 10'000,
                       .size_bytes = 64 << 20,
                       .answer_bytes = 1 << 20},
                      SystemClock());
  KeptAnswer answer;
  answer.body = std::string(2000, 'x');
  const RequestKey key = *KeyOfJson(scope, body, left_out);
  cache.Put(key, std::make_shared<const KeptAnswer>(std::move(answer)));
  printf("a request of %zu bytes\n", body.size());
  std::string form;
  Measure("canonical form", [&] {
    form.clear();
    AppendCanonicalJson(body, left_out, &form);
  });
  Measure("digest of it", [&] { Sha256(form); });
  Measure("key of JSON", [&] { KeyOfJson(scope, body, left_out); });
  ::llmgateway::v1::GenerateRequest request;
  request.set_model("gpt-4.1-mini");
  for (int i = 0; i < 10; ++i) {
    request.add_messages()->add_parts()->set_text(std::string(90, 'x'));
  }
  const std::vector<int> numbers = LeftOutOfGenerateRequest(left_out);
  Measure("key of a message", [&] { KeyOfMessage(scope, request, numbers); });
  Measure("look-up", [&] { cache.Find(key); });
  Measure("key of JSON and look-up", [&] {
    if (!cache.Find(*KeyOfJson(scope, body, left_out))) std::abort();
  });
}

}  // namespace
}  // namespace gateway

int main() { gateway::Run(); }
