#include "service/audit/redaction/error_words.h"

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// What a name may have beside words.
constexpr size_t kOtherLettersMax = 3;
constexpr size_t kPlainDigitsMax = 3;

// Short ones are for names.
constexpr std::string_view kWords =
    "able abort about above absent academic accept acceptable access account "
    "action active adaptive add additional additionalproperties adjust admin "
    "administrator advance after again against age agent aid alert alias "
    "alive all allocate allow already alternate alternative amount analysis "
    "analyze and annotation another answer answered anthropic any anyof api "
    "apikey app appear application apply approach approval are arg argument "
    "array arrearage asked assignment assistant async attach attempt "
    "attribute audio audit auth authenticate authentication authorization "
    "authorize auto automatic availability available average await aws azure "
    "backend background bad badrequest balance bar base based batch be "
    "because become bedrock before begin begins behind below best beta "
    "between beyond bias bill billing binary bit block blocklist body bool "
    "boolean both bound break breakdown breaker broke broken bucket budget "
    "buffer build bulk busy but by byte cache cachedcontent call caller came "
    "can cancel candidate candidatecount cannot cap capability capacity card "
    "case category cause certificate chain change character charge chat "
    "check checksum choice choose chosen chunk circuit citation cite class "
    "claude client close cloud code cohere collection colon column come "
    "comma command compaction compatible complete completion component "
    "compute computer concurrency concurrent condition confidence config "
    "configuration configure conflict connect connection consecutive "
    "consider console constraint consult contact contain container content "
    "context continue contract control conversation convert cool correct "
    "cost could count country create created creation credential credit "
    "current currently custom customer cut daily data date day db deadline "
    "decision declaration decode decrease deepseek default define definition "
    "degrade delay delete delta demand denied deny deploy deployment "
    "deprecate depth describe description destination detail detect "
    "developer dialect did different digit dimension dimensionality direct "
    "directly disable disallow discontinue dispatch display distribution dns "
    "document does dollar domain done down download drop due duplicate "
    "duration during each economy edit effective effort either eject elapse "
    "element else email embed embedding emergency empty enable encode "
    "encounter encrypt ended endpoint engine enough ensure entity entry enum "
    "eof ephemeral error estimate etc eval evaluate event every exact "
    "exactly example exceed exceededquota except exception exchange exclude "
    "exclusive executable execute execution exhaust exist expect expected "
    "expire explicit export extension external extra fail failure fallback "
    "false family fast fatal feature feedback fell fetch few field file "
    "filename filter final find fine fingerprint finish fireworks first flag "
    "flex flight float follow for forbid forbidden force forgotten form "
    "format forward found framework free frequency frequent from full "
    "function functioncall functiondeclaration functionresponse further "
    "future gateway gave gemini general generate generation generationconfig "
    "get give given global go goes gone google grammar grant granted greater "
    "grok groq grounding group guardrail guide guideline had handle harm has "
    "hash have he head header headroom health healthy held help here hex "
    "high higher hint histogram host hour hourly how however html http https "
    "id idempotency identifier identity ids if ignore image imageurl "
    "immediate implement import in inactive include incompatible incomplete "
    "incorrect increase index indicate infer inference information init "
    "initialize inline inlinedata inner innererror input insert inside "
    "inspect inspection instance instead instruction insufficient int "
    "integer interaction interface internal interrupt interval into invalid "
    "invalidargument invalidate invoke io ip is issue it item its itself jpg "
    "json just keep keepalive kept key kind knew know known label language "
    "large larger last late latency later latest layer learn least leave "
    "ledger left legacy length less let level library license lies like "
    "likely limit line link list little llama llmgateway load local location "
    "lock log logbias logical logit logprob long longer look loss lost low "
    "lower made maintain maintenance make malformed manage many mask match "
    "max maximum maxoutputtokens may mb md5 meant media medium meet member "
    "memory message metadata method metric million mime mimetype min minimal "
    "minimum minute mismatch miss missing mistral modality mode model "
    "moderate moderation modify module moment month monthly more most move "
    "much multi multimodal multiple must my name near need nest network "
    "never new newest next no nobody node non none nonexistent not note "
    "notfound nothing now null nullable num number numeric object occur of "
    "off offset often old ollama omit on once one only op opaque open openai "
    "openrouter operate operation operator optimization optimize option or "
    "order org organization origin other our out outcome output outside over "
    "overall overhead overload overloaded overloadederror override own owner "
    "page paid parallel param parameter parent parse part partial party pass "
    "past path pattern pause payload payment pdf peer penalty per percent "
    "percentage perform performance period permission permissiondenied "
    "permit place plain plan platform please png point policy pool position "
    "positive possible post prebuilt precondition predict prediction prefer "
    "prefill prefix premium prepare presence present prevent previous "
    "previously price primary prior priority probability problem process "
    "processing profile progress prohibit project prompt proper property "
    "protocol provide provider proxy public purchase put quality query queue "
    "quick quota qwen raise ran random range rate ratelimit ratio raw reach "
    "reached read ready real reason reasoning receive recent recitation "
    "recognize recommend recommendation redact redaction reduce ref refer "
    "reference refusal refuse region register reject relate release relevant "
    "reload remain remote remove replace replica request require required "
    "requirement research reserve reset resource resourceexhausted respond "
    "response responsemimetype responseschema responsible rest restart "
    "restrict result resume retry return reuse review rewrite right role "
    "roll rolling root rotate route rpm rps rule run runtime safe safety "
    "safetysetting said same sample sampling says scale schema scope score "
    "screenshot sdk search second secret section security see seed seem seen "
    "select selection send sent separate sequence serve server service "
    "serviceunavailable session set setting settle several severity shape "
    "share short should show shown shut side sign signature silence similar "
    "simple since single size skip slow small so socket sold some something "
    "soon sorry source space span speak special specific specify speech "
    "spend spoke sse ssl stable standard start state statistic status stay "
    "step still stood stop stopped stopsequence storage store strategy "
    "stream strict string strong structure style subject submission submit "
    "subscribe subscription succeed success successful such suffix suggest "
    "summarize summary supply support supported suspend switch syntax system "
    "systeminstruction table tag take taken target task tcp team tells "
    "temperature temporary tenant terminate territory test text than that "
    "the their them then there these they thing think thinking "
    "thinkingbudget thinkingconfig third this those thought threshold "
    "throttle through throughput thrown tier time timeout timestamp timing "
    "title tls to today together token told too tool toolchoice toolconfig "
    "tooluse top topic topk topp total toward tpd tpm trace traffic "
    "transcript transfer transport trial tried trigger true truncate "
    "truncation trust try ttl turn twice two type unable unauthenticated "
    "unauthorized unavailable undefined under unexpected unexpectedly "
    "unfortunately unhandled unhealthy unicode unimplemented unique unit "
    "unknown unless unlimited unparsable unpriced unprocessable unreachable "
    "unrecognized unset unspecified unsupported until update upgrade upload "
    "upper upstream uptime uri url usage use useful user using utc utf uuid "
    "valid validate validation validator value variable vary verbosity "
    "verdict verify version vertex very video view violate violation vision "
    "visit voice wait want warn warning was wav way web website week well "
    "went were what when where whether which while whole why will window "
    "with within without word work worker workspace would write written "
    "wrong wrote xhigh xml yaml year yes yet you your zero zone";

// Made at the first call, and never destroyed.
bool IsListed(std::string_view word) {
  static const auto& words = *new absl::flat_hash_set<absl::string_view>(
      absl::StrSplit(ToAbsl(kWords), ' '));
  return words.contains(ToAbsl(word));
}

// Without the ending, as it is, with an `e`, or with its last letter once.
bool IsListedWithout(std::string_view word, std::string_view ending) {
  if (!word.ends_with(ending)) return false;
  word.remove_suffix(ending.size());
  if (IsListed(word) || IsListed(std::string(word) + 'e')) return true;
  const size_t size = word.size();
  return size > 1 && word[size - 1] == word[size - 2] &&
         IsListed(word.substr(0, size - 1));
}

// Where the part of a name ends that begins at `begin`: before what is no
// letter, or one in capitals beside one that is not. Of digits, at the next
// that is none.
size_t EndOfPart(std::string_view name, size_t begin) {
  const auto byte_at = [name](size_t at) {
    return static_cast<unsigned char>(name[at]);
  };
  size_t end = begin + 1;
  if (absl::ascii_isdigit(byte_at(begin))) {
    while (end < name.size() && absl::ascii_isdigit(byte_at(end))) ++end;
    return end;
  }
  const auto begins_word = [&](size_t at) {
    return absl::ascii_isupper(byte_at(at)) &&
           (absl::ascii_islower(byte_at(at - 1)) ||
            (at + 1 < name.size() && absl::ascii_islower(byte_at(at + 1))));
  };
  while (end < name.size() && absl::ascii_isalpha(byte_at(end)) &&
         !begins_word(end)) {
    ++end;
  }
  return end;
}

}  // namespace

bool IsErrorName(std::string_view name) {
  size_t words = 0;
  size_t other_letters = 0;
  for (size_t at = 0; at < name.size();) {
    const auto byte = static_cast<unsigned char>(name[at]);
    if (byte == '_' || byte == '-' || byte == '.') {
      ++at;
      continue;
    }
    if (!absl::ascii_isalnum(byte)) return false;
    const size_t end = EndOfPart(name, at);
    const std::string_view part = name.substr(at, end - at);
    at = end;
    if (absl::ascii_isdigit(byte)) {
      if (part.size() > kPlainDigitsMax) return false;
    } else if (IsErrorWord(absl::AsciiStrToLower(ToAbsl(part)))) {
      ++words;
    } else {
      other_letters += part.size();
    }
  }
  return words > 0 && other_letters <= kOtherLettersMax;
}

bool IsErrorWord(std::string_view word) {
  if (IsListed(word)) return true;
  for (const std::string_view ending : {"s", "es", "d", "ed", "ing"}) {
    if (IsListedWithout(word, ending)) return true;
  }
  // `queries`, `retried`.
  for (const std::string_view ending : {"ies", "ied"}) {
    if (word.ends_with(ending) &&
        IsListed(std::string(word.substr(0, word.size() - 3)) + 'y')) {
      return true;
    }
  }
  return false;
}

}  // namespace gateway
