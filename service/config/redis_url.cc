#include "service/config/redis_url.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "base/net/host_port.h"
#include "base/string_view.h"
#include "base/text/percent.h"

namespace gateway {
namespace {

constexpr std::string_view kPlain = "redis://";
constexpr std::string_view kTls = "rediss://";
constexpr std::string_view kDefaultPort = "6379";

absl::Status Bad(std::string_view why) {
  return absl::InvalidArgumentError(ToAbsl(why));
}

// What stands before `mark`, which `text` then begins behind; nothing, and
// `text` as it was, if there is no such mark.
std::optional<std::string_view> Before(char mark, std::string_view* text) {
  const size_t at = text->find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text->substr(0, at);
  text->remove_prefix(at + 1);
  return before;
}

absl::Status TakeUser(std::string_view login, RedisUrl* url) {
  std::string_view password = login;
  const std::optional<std::string_view> user = Before(':', &password);
  const auto decoded_user = PercentDecode(user.value_or(login));
  const auto decoded_password =
      PercentDecode(user.has_value() ? password : std::string_view());
  if (!decoded_user.has_value() || !decoded_password.has_value()) {
    return Bad("has a user or a password with a '%' that encodes nothing");
  }
  url->user = *decoded_user;
  url->password = Secret(*decoded_password);
  return absl::OkStatus();
}

absl::Status TakeDatabase(std::string_view path, RedisUrl* url) {
  if (path.empty()) return absl::OkStatus();
  int database = 0;
  if (!absl::SimpleAtoi(ToAbsl(path), &database) || database < 0) {
    return Bad(
        "must end with the number of a database, or nothing, behind the "
        "host: redis://host:6379/0");
  }
  url->database = database;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RedisUrl> ParseRedisUrl(std::string_view text) {
  RedisUrl url;
  if (text.starts_with(kTls)) {
    url.tls = true;
    text.remove_prefix(kTls.size());
  } else if (text.starts_with(kPlain)) {
    text.remove_prefix(kPlain.size());
  } else {
    return Bad("must begin with redis:// or rediss://");
  }
  if (text.find_first_of("?#") != std::string_view::npos) {
    return Bad(
        "must have neither query nor fragment; what they say has fields "
        "of its own in the configuration");
  }
  std::string_view path = text;
  const std::string_view host = Before('/', &path).value_or(text);
  if (host.size() == text.size()) path = {};
  std::string_view where = host;
  const size_t at = host.rfind('@');
  if (at != std::string_view::npos) {
    const absl::Status user = TakeUser(host.substr(0, at), &url);
    if (!user.ok()) return user;
    where.remove_prefix(at + 1);
  }
  const absl::Status database = TakeDatabase(path, &url);
  if (!database.ok()) return database;
  const absl::StatusOr<AuthorityParts> parts = SplitAuthority(where);
  if (!parts.ok() || !parts->HasHost() ||
      (!parts->port.empty() && !ParsePort(parts->port).ok())) {
    return Bad("must name a host, such as redis://cache.internal:6379/0");
  }
  url.address = JoinHostPort(parts->host,
                             parts->port.empty() ? kDefaultPort : parts->port);
  return url;
}

Secret RedisPasswordIn(const Secret& secret) {
  const std::string_view text = secret.Reveal();
  if (!text.starts_with(kPlain) && !text.starts_with(kTls)) return secret;
  const absl::StatusOr<RedisUrl> url = ParseRedisUrl(text);
  return url.ok() ? url->password : secret;
}

}  // namespace gateway
