#include "base/text/repeated_secret.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <tuple>
#include <utility>

#include "absl/functional/function_ref.h"
#include "base/text/unescaped_text.h"

namespace gateway {
namespace {

// JSON that is quoted in JSON that is quoted in an URL, and one more.
constexpr size_t kEscapesWithinMax = 4;

using Tell = absl::FunctionRef<bool(size_t begin, size_t end)>;

// Tells of each place that repeats the secret, until that returns false; then
// returns false, too.
bool FindPlain(std::string_view secret, std::string_view text, Tell tell) {
  const bool halved = secret.size() >= kHalvedSecretBytesMin;
  const size_t needed = halved ? secret.size() / 2 : secret.size();
  const std::string_view beginning = secret.substr(0, needed);
  size_t at = text.find(beginning);
  while (at != std::string_view::npos) {
    const std::string_view there = text.substr(at, secret.size());
    size_t bytes = needed;
    while (bytes < there.size() && there[bytes] == secret[bytes]) ++bytes;
    if (!tell(at, at + bytes)) return false;
    at = text.find(beginning, at + bytes);
  }
  return true;
}

// The same behind escapes.
void FindEscaped(std::string_view secret, std::string_view text, Tell tell) {
  std::deque<UnescapedText> layers;  // Each of the one before.
  const auto tell_outside = [&](size_t begin, size_t end) {
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
      std::tie(begin, end) = layer->Outer(begin, end);
    }
    return tell(begin, end);
  };
  while (layers.size() < kEscapesWithinMax) {
    layers.emplace_back(text, UnescapedText::Of::kEscapes);
    if (!layers.back().has_escapes()) return;
    text = layers.back().text();
    if (!FindPlain(secret, text, tell_outside)) return;
  }
}

void Find(std::string_view secret, std::string_view text, Tell tell) {
  if (secret.empty() || !FindPlain(secret, text, tell)) return;
  if (UnescapedText::HasEscapes(text)) FindEscaped(secret, text, tell);
}

}  // namespace

bool RepeatsSecret(std::string_view secret, std::string_view text) {
  bool repeats = false;
  Find(secret, text, [&repeats](size_t, size_t) {
    repeats = true;
    return false;
  });
  return repeats;
}

std::string BlotOut(std::string_view secret, std::string text) {
  std::string blotted;  // Set with the first place.
  Find(secret, text, [&](size_t begin, size_t end) {
    if (blotted.empty()) blotted = text;
    std::fill(blotted.begin() + static_cast<ptrdiff_t>(begin),
              blotted.begin() + static_cast<ptrdiff_t>(end), '*');
    return true;
  });
  return blotted.empty() ? std::move(text) : blotted;
}

}  // namespace gateway
