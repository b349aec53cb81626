#include "service/identity/certificate_names.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr std::string_view kSpiffe = "spiffe://";
constexpr std::string_view kDns = "dns:";

std::string_view TextOf(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<size_t>(ASN1_STRING_length(string))};
}

// Adds a name if it can be told from every other: none ends at a zero.
void AddName(std::string name, std::vector<std::string>* names) {
  const bool visible =
      std::none_of(name.begin(), name.end(),
                   [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (visible && name.size() <= kCertificateNameBytesMax) {
    names->push_back(std::move(name));
  }
}

void AddAlternativeNames(const X509& certificate,
                         std::vector<std::string>* names) {
  const std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
          &certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  std::vector<std::string> uris;
  std::vector<std::string> hosts;
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* const each =
        sk_GENERAL_NAME_value(alternatives.get(), i);
    if (each->type == GEN_URI) {
      uris.emplace_back(TextOf(each->d.uniformResourceIdentifier));
    } else if (each->type == GEN_DNS) {
      hosts.push_back(absl::AsciiStrToLower(ToAbsl(TextOf(each->d.dNSName))));
    }
  }
  if (uris.size() == 1 && uris[0].starts_with(kSpiffe)) {
    AddName(std::move(uris[0]), names);
  }
  for (const std::string& host : hosts) {
    AddName(absl::StrCat(ToAbsl(kDns), host), names);
  }
}

void AddSubject(const X509& certificate, std::vector<std::string>* names) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  const X509_NAME* const subject = X509_get_subject_name(&certificate);
  // As RFC 2253 escapes it, control characters as well; UTF-8 as it is.
  constexpr unsigned long kForm = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;
  if (out == nullptr || X509_NAME_entry_count(subject) == 0 ||
      X509_NAME_print_ex(out.get(), subject, 0, kForm) <= 0) {
    return;
  }
  const char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  AddName(std::string(text, static_cast<size_t>(size)), names);
}

}  // namespace

std::vector<std::string> NamesOfCertificate(const X509& certificate) {
  std::vector<std::string> names;
  AddAlternativeNames(certificate, &names);
  AddSubject(certificate, &names);
  // What it could not read must not be taken for an error of a connection.
  ERR_clear_error();
  return names;
}

absl::Status CheckCertificatePattern(std::string_view pattern) {
  const size_t equals = pattern.find('=');
  const bool is_subject =
      equals != std::string_view::npos && equals > 0 &&
      std::all_of(pattern.begin(), pattern.begin() + equals,
                  [](char c) { return absl::ascii_isalnum(c) || c == '.'; });
  if (pattern.size() <= kCertificateNameBytesMax &&
      (pattern.starts_with(kSpiffe) || pattern.starts_with(kDns) ||
       is_subject)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the name '", ToAbsl(pattern.substr(0, 64)),
      "' is no spiffe://..., dns:NAME or subject such as CN=... of at most ",
      kCertificateNameBytesMax, " bytes"));
}

std::string_view CallerOfCertificate(absl::Span<const std::string> patterns,
                                     absl::Span<const std::string> names) {
  for (const std::string& name : names) {
    for (const std::string& pattern : patterns) {
      if (MatchesCertificatePattern(pattern, name)) return name;
    }
  }
  return {};
}

bool MatchesCertificatePattern(std::string_view pattern,
                               std::string_view text) {
  // Which beginnings of the text match what was read of the pattern: those
  // whose length is marked, the shortest of which is `low`, the longest `high`.
  std::string marks(text.size() + 1, 0);
  size_t low = 0;
  size_t high = 0;
  marks[0] = 1;
  for (size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '*') {
      const bool any = pattern.substr(at).starts_with("**");
      at += any ? 1 : 0;
      for (size_t i = low; i <= high && i < text.size(); ++i) {
        if (marks[i] == 0 || (!any && text[i] == '/')) continue;
        marks[i + 1] = 1;
        high = std::max(high, i + 1);
      }
      continue;
    }
    for (size_t i = high + 1; i-- > low;) {
      if (marks[i] == 0) continue;
      marks[i] = 0;
      if (i < text.size() && text[i] == pattern[at]) marks[i + 1] = 1;
    }
    low = std::min(marks.find('\1', low), marks.size());
    if (low == marks.size()) return false;
    high = marks.rfind('\1', high + 1);
  }
  return marks.back() != 0;
}

}  // namespace gateway
