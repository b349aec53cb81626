#include "service/http/route_table.h"

#include <string>
#include <string_view>
#include <vector>

#include "base/http/http1_codec.h"
#include "base/http/http_handler.h"
#include "gtest/gtest.h"
#include "service/http/http_api.h"

namespace gateway {
namespace {

class RouteTableTest : public testing::Test {
 protected:
  RouteTableTest() {
    table_.Add({.api = &one_,
                .method = "GET",
                .path = "/things",
                .shown = "one's things",
                .field = "x-one"});
    table_.Add({.api = &other_,
                .method = "GET",
                .path = "/things",
                .shown = "GET /things"});
    table_.Add({.api = &other_,
                .method = "GET",
                .path = "/things/",
                .shown = "GET /things/{name}"});
    table_.Add({.api = &other_,
                .method = "POST",
                .path = "/things",
                .shown = "POST /things"});
  }

  // What is shown of the route that is found; empty if none is.
  std::string_view Find(std::string_view method, std::string_view path,
                        const std::vector<HttpField>& fields = {}) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.fields = fields;
    const RouteTable::Route* const route = table_.Find(request, &rest_);
    return route == nullptr ? std::string_view() : route->shown;
  }

  const HttpApi one_ = {.vendor = "one"};
  const HttpApi other_ = {.vendor = "other"};
  RouteTable table_;
  std::string_view rest_;
};

TEST_F(RouteTableTest, FindsByMethodAndPath) {
  EXPECT_EQ(Find("GET", "/things"), "GET /things");
  EXPECT_EQ(Find("HEAD", "/things"), "GET /things");
  EXPECT_EQ(Find("POST", "/things"), "POST /things");
  EXPECT_EQ(Find("PUT", "/things"), "");
  EXPECT_EQ(Find("GET", "/thing"), "");
  EXPECT_EQ(Find("GET", "/thingss"), "");
}

TEST_F(RouteTableTest, GivesTheRestOfAPathThatGoesOn) {
  EXPECT_EQ(Find("GET", "/things/a%2Fb/c"), "GET /things/{name}");
  EXPECT_EQ(rest_, "a%2Fb/c");
  EXPECT_EQ(Find("GET", "/things/"), "");
  EXPECT_EQ(Find("POST", "/things/a"), "");
}

TEST_F(RouteTableTest, AFieldTellsWhoIsMeant) {
  EXPECT_EQ(Find("GET", "/things", {{"X-One", "1"}}), "one's things");
  EXPECT_EQ(Find("GET", "/things", {{"x-two", "1"}}), "GET /things");
}

TEST_F(RouteTableTest, ShowsWhatAnApiServes) {
  EXPECT_EQ(table_.Shown("one"), "one's things");
  EXPECT_EQ(table_.Shown("other"),
            "GET /things, GET /things/{name} and POST /things");
  EXPECT_EQ(table_.Shown("nobody"), "");
}

TEST_F(RouteTableTest, TellsTheMethodsOfAPath) {
  EXPECT_EQ(table_.Allowed("/things"), "GET, HEAD, POST");
  EXPECT_EQ(table_.Allowed("/things/x"), "GET, HEAD");
  EXPECT_EQ(table_.Allowed("/thing"), "");
}

}  // namespace
}  // namespace gateway
