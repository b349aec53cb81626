// Tells, within a stream of server-sent events, what of an answer the caller's
// format has no place for. It is told as a comment, which readers of such
// streams skip, but for Google's, and every person who looks at one sees:
//
//   : x-llmgateway-warnings: image: left out: anthropic_messages has none
//
// Belongs to one stream; thread-compatible.

#ifndef PROVIDERS_DIALECTS_STREAM_WARNINGS_H_
#define PROVIDERS_DIALECTS_STREAM_WARNINGS_H_

#include <string>
#include <string_view>
#include <vector>

namespace gateway {

class StreamWarnings {
 public:
  // `dialect` is a constant.
  explicit StreamWarnings(std::string_view dialect) : dialect_(dialect) {}

  // Appends a comment that says that `what` is left out, the first time. `what`
  // is a constant without line ends.
  void LeftOut(std::string_view what, std::string* out);

  // Returns the text of that comment alone, for formats whose clients do not
  // skip comments; empty after the first time.
  std::string Text(std::string_view what);

 private:
  const std::string_view dialect_;
  std::vector<std::string_view> told_;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_STREAM_WARNINGS_H_
