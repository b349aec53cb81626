#include "service/api/call_context.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/call_fields.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class CallContextTest : public testing::Test {
 protected:
  std::vector<std::pair<std::string, std::string>> Trailers() const {
    std::vector<std::pair<std::string, std::string>> trailers;
    for (const auto& [name, value] : call_.trailers()) {
      trailers.emplace_back(name, value);
    }
    return trailers;
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  CallContext call_{*loop_,
                    {.method = "pkg.Service/Method",
                     .peer = "192.0.2.1:1234",
                     .time = absl::Seconds(5)}};
};

TEST_F(CallContextTest, FindsTheFirstValueOfAName) {
  call_.AddMetadata("authorization", "Bearer one");
  call_.AddMetadata("authorization", "Bearer two");
  EXPECT_EQ(call_.FindMetadata("authorization"), "Bearer one");
  EXPECT_EQ(call_.FindMetadata("x-api-key"), std::nullopt);
  EXPECT_EQ(call_.metadata().size(), 2u);
}

TEST_F(CallContextTest, TakesNoneOfSeveralValuesWhereThereMayBeOne) {
  call_.AddMetadata("authorization", "Bearer one");
  EXPECT_EQ(call_.FindSoleMetadata("authorization"), "Bearer one");
  EXPECT_EQ(call_.FindSoleMetadata("x-api-key"), std::nullopt);
  call_.AddMetadata("authorization", "Bearer two");
  EXPECT_EQ(call_.FindSoleMetadata("authorization"), std::nullopt);
}

TEST_F(CallContextTest, KeepsNamesOfTheProtocolFromHandlers) {
  for (const char* name :
       {":path", ":authority", "grpc-timeout", "grpc-encoding", "te",
        "content-type"}) {
    call_.AddMetadata(name, "forged");
    EXPECT_EQ(call_.FindMetadata(name), std::nullopt) << name;
  }
  EXPECT_THAT(call_.metadata(), IsEmpty());
}

TEST_F(CallContextTest, TakesTheCallersRequestId) {
  call_.AddMetadata("x-request-id", "order:66_A.b-c");
  EXPECT_EQ(call_.request_id(), "order:66_A.b-c");
}

TEST_F(CallContextTest, MakesUpARequestIdForNoneOrABadOne) {
  const std::string made_up(call_.request_id());
  EXPECT_EQ(made_up.size(), 32u);
  EXPECT_TRUE(IsValidRequestId(made_up));
  call_.AddMetadata("x-request-id", "two words");
  EXPECT_EQ(call_.request_id(), made_up);

  const CallContext other(*loop_, {});
  EXPECT_NE(other.request_id(), made_up);
}

TEST_F(CallContextTest, TakesTheFirstRequestIdThatIsValid) {
  call_.AddMetadata("x-request-id", "");
  call_.AddMetadata("x-request-id", "first");
  call_.AddMetadata("x-request-id", "second");
  EXPECT_EQ(call_.request_id(), "first");
}

TEST(RequestIdTest, IsTheCallersOrMadeUp) {
  EXPECT_EQ(RequestIdFor("order-7"), "order-7");
  EXPECT_EQ(RequestIdFor("task-2026.11:7_A"), "task-2026.11:7_A");
  EXPECT_EQ(RequestIdFor("0f8fad5b-d9cb-469f-a165-70867728950e"),
            "0f8fad5b-d9cb-469f-a165-70867728950e");
  // Ids are in all that is recorded, where no key is to be.
  for (const char* bad :
       {"", "two words", "sk-proj-0123456789abcdefghij",
        "a:sk-proj-0123456789abcdefghij",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"}) {
    const std::string made_up = RequestIdFor(bad);
    EXPECT_EQ(made_up.size(), kMadeUpRequestIdDigits);
    EXPECT_TRUE(IsValidRequestId(made_up));
    EXPECT_NE(RequestIdFor(bad), made_up);
  }
}

TEST(RequestIdTest, IsOneTo128OfTheAllowedCharacters) {
  EXPECT_FALSE(IsValidRequestId(""));
  EXPECT_TRUE(IsValidRequestId("a"));
  EXPECT_TRUE(IsValidRequestId(std::string(128, 'z')));
  EXPECT_FALSE(IsValidRequestId(std::string(129, 'z')));
  for (const char* bad : {"a b", "a\nb", "a/b", "caf\xc3\xa9", "a\"b", "a,b"}) {
    EXPECT_FALSE(IsValidRequestId(bad)) << bad;
  }
}

TEST_F(CallContextTest, HasNoDeadlineUnlessItIsGivenOne) {
  EXPECT_EQ(call_.deadline(), absl::InfiniteDuration());
  EXPECT_EQ(call_.arrival_time(), absl::Seconds(5));
  EXPECT_EQ(call_.method(), "pkg.Service/Method");
  EXPECT_EQ(call_.peer(), "192.0.2.1:1234");
}

TEST_F(CallContextTest, SendsTrailersThatATrailerCanCarry) {
  call_.AddTrailer("x-target", "mock\r\nx-forged: 1\x7f\xff");
  call_.AddTrailer("x-raw-bin", std::string("\0\xff", 2));
  EXPECT_THAT(Trailers(),
              ElementsAre(Pair("x-target", "mock??x-forged: 1??"),
                          Pair("x-raw-bin", std::string("\0\xff", 2))));
}

TEST_F(CallContextTest, EachByteOfATrailerIsLookedAt) {
  for (size_t size = 1; size < 20; ++size) {
    for (size_t bad = 0; bad < size; ++bad) {
      for (const char c : {'\0', '\x1f', '\x7f', '\x80', '\xff'}) {
        std::string value(size, '~');
        value[bad] = c;
        call_.AddTrailer("x-target", value);
        value[bad] = '?';
        EXPECT_EQ(call_.trailers().back().value, value);
      }
    }
  }
}

TEST_F(CallContextTest, SendsWhatIsToldOfACall) {
  call_.AddTrailers(CallFields());
  {
    CallFields fields;
    fields.Add("x-empty", " ");
    call_.AddTrailers(fields);
  }
  {
    CallFields fields;
    fields.Add("x-target", " mock\r\nx-forged: 1\x7f ");
    fields.Add("x-raw-bin", std::string("\0\xff", 2));
    for (int i = 0; i < 20; ++i) fields.Add("x-count", i);
    call_.AddTrailers(fields);
  }
  const auto trailers = Trailers();
  ASSERT_EQ(trailers.size(), 23u);
  EXPECT_THAT(trailers[0], Pair("x-empty", ""));
  EXPECT_THAT(trailers[1], Pair("x-target", "mock??x-forged: 1?"));
  EXPECT_THAT(trailers[2], Pair("x-raw-bin", std::string("\0\xff", 2)));
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(trailers[3 + i], Pair("x-count", absl::StrCat(i)));
  }
}

TEST_F(CallContextTest, SendsNoSpacesAtTheEndsOfAValue) {
  for (const char* value : {"", " ", "   "}) call_.AddTrailer("x-empty", value);
  call_.AddTrailer("x-target", "  two words ");
  call_.AddTrailer("x-raw-bin", " \xff ");
  EXPECT_THAT(
      Trailers(),
      ElementsAre(Pair("x-empty", ""), Pair("x-empty", ""), Pair("x-empty", ""),
                  Pair("x-target", "two words"), Pair("x-raw-bin", " \xff ")));
}

TEST_F(CallContextTest, GivesInitialMetadataToTheEngineOnce) {
  call_.AddInitialMetadata("x-target", "mock\r\n");
  call_.AddInitialMetadata("x-raw-bin", std::string("\0\xff", 2));
  const FieldBlock taken = call_.TakeInitialMetadata();
  FieldViews views;
  const auto fields = taken.View(views);
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].name, "x-target");
  EXPECT_EQ(fields[0].value, "mock??");
  EXPECT_EQ(fields[1].name, "x-raw-bin");
  EXPECT_EQ(fields[1].value, std::string("\0\xff", 2));
  EXPECT_TRUE(call_.TakeInitialMetadata().empty());
}

TEST_F(CallContextTest, TheHandlersStatusStandsUnlessTheCallWasCancelled) {
  EXPECT_EQ(call_.Outcome(absl::NotFoundError("no model")),
            absl::NotFoundError("no model"));
  call_.cancel().Cancel(absl::DeadlineExceededError("too late"));
  EXPECT_EQ(call_.Outcome(absl::UnavailableError("socket closed")),
            absl::DeadlineExceededError("too late"));
  EXPECT_EQ(call_.Outcome(absl::DeadlineExceededError("after 3 tokens")),
            absl::DeadlineExceededError("after 3 tokens"));
  EXPECT_EQ(call_.Outcome(absl::OkStatus()), absl::OkStatus());
}

}  // namespace
}  // namespace gateway
