// The prices of tokens as messages tell them, in fields of the same names:
// `prices.models` of the configuration and its steps, and the steps of a
// ModelPrice, which operators set.
//
//   const ListedRates listed = ReadListedRates(step, report);
//   FillListedRates(rates, price.add_steps());
//
// Thread-safe: plain functions.

#ifndef SERVICE_MONEY_PRICE_FIELDS_H_
#define SERVICE_MONEY_PRICE_FIELDS_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "service/money/model_price.h"
#include "service/money/token_kind.h"
#include "service/money/token_price.h"

namespace gateway {

// Is called for each field that is wrong, with its name and what is wrong.
using PriceReport =
    absl::FunctionRef<void(std::string_view field, std::string_view problem)>;

// The field of each kind of token; only the first two are required.
template <typename Message>
struct PriceField {
  TokenKind kind;
  std::string_view name;
  const std::string& (Message::*text)() const;
  std::string* (Message::*mutable_text)();
};
template <typename Message>
inline constexpr PriceField<Message> kPriceFields[] = {
    {TokenKind::kInput, "input", &Message::input, &Message::mutable_input},
    {TokenKind::kOutput, "output", &Message::output, &Message::mutable_output},
    {TokenKind::kCacheRead, "cached_input", &Message::cached_input,
     &Message::mutable_cached_input},
    {TokenKind::kCacheWrite, "cache_write", &Message::cache_write,
     &Message::mutable_cache_write},
    {TokenKind::kCacheWrite1h, "cache_write_1h", &Message::cache_write_1h,
     &Message::mutable_cache_write_1h},
    {TokenKind::kReasoning, "reasoning", &Message::reasoning,
     &Message::mutable_reasoning},
    {TokenKind::kAudioInput, "audio_input", &Message::audio_input,
     &Message::mutable_audio_input},
    {TokenKind::kAudioOutput, "audio_output", &Message::audio_output,
     &Message::mutable_audio_output},
    {TokenKind::kImageInput, "image_input", &Message::image_input,
     &Message::mutable_image_input},
    {TokenKind::kImageOutput, "image_output", &Message::image_output,
     &Message::mutable_image_output},
};

// Returns what a message tells. A field that is wrong is left out.
template <typename Message>
ListedRates ReadListedRates(const Message& from, PriceReport report) {
  ListedRates listed;
  for (const PriceField<Message>& field : kPriceFields<Message>) {
    const std::string& text = (from.*field.text)();
    if (text.empty()) {
      if (field.kind == TokenKind::kInput || field.kind == TokenKind::kOutput) {
        report(field.name, "is required; free is 0");
      }
      continue;
    }
    const absl::StatusOr<TokenPrice> price = TokenPrice::Parse(text);
    if (price.ok()) {
      listed[field.kind] = *price;
    } else {
      report(field.name,
             "must be dollars for a million tokens, as in 3.75: at most 9 "
             "decimals, at most a dollar a token");
    }
  }
  return listed;
}

// Writes prices, without those that CompleteRates would make of the others.
template <typename Message>
void FillListedRates(const TokenRates& rates, Message* to) {
  ListedRates listed;
  for (const PriceField<Message>& field : kPriceFields<Message>) {
    const bool is_told = field.kind == TokenKind::kInput ||
                         field.kind == TokenKind::kOutput ||
                         CompleteRates(listed)[field.kind] != rates[field.kind];
    if (!is_told) continue;
    listed[field.kind] = rates[field.kind];
    *(to->*field.mutable_text)() = rates[field.kind].Text();
  }
}

}  // namespace gateway

#endif  // SERVICE_MONEY_PRICE_FIELDS_H_
