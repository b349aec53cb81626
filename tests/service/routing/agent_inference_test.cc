#include "service/routing/agent_inference.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// Rules for some of the common agents.
class AgentInferenceTest : public testing::Test {
 protected:
  void HaveRulesFor(std::set<std::string, std::less<>> agents) {
    inference_ = AgentInference(
        CommonAgentPhrases(),
        [&](std::string_view agent) { return agents.contains(agent); });
  }

  // "-" for none.
  std::string Infer(std::vector<std::string_view> system,
                    std::vector<std::string_view> user = {}) const {
    return std::string(inference_.Infer(system, user).value_or("-"));
  }

  AgentInference inference_{CommonAgentPhrases(),
                            [](std::string_view) { return true; }};
};

TEST_F(AgentInferenceTest, EachAgentHasWordsOfItsWork) {
  EXPECT_EQ(Infer({"You are the Chief Architect."}), "chief-architect");
  EXPECT_EQ(Infer({"You do code reviews."}), "code-reviewer");
  EXPECT_EQ(Infer({"You are good at testing."}), "test-engineer");
  EXPECT_EQ(Infer({"A security audit."}), "security-auditor");
  EXPECT_EQ(Infer({"You write PYTHON."}), "python-specialist");
  EXPECT_EQ(Infer({"You write Rust code."}), "rust-specialist");
  EXPECT_EQ(Infer({"You write Golang."}), "go-specialist");
  EXPECT_EQ(Infer({"Analyze this."}), "technical-researcher");
  EXPECT_EQ(Infer({"Trust me, go on."}), "-");
  EXPECT_EQ(Infer({}), "-");
}

TEST_F(AgentInferenceTest, TheFirstConfiguredAgentIsTaken) {
  EXPECT_EQ(Infer({"Python testing, then a code review"}), "code-reviewer");
  // In whichever of the system texts it is.
  EXPECT_EQ(Infer({"You write Python.", "You do code reviews."}),
            "code-reviewer");
}

TEST_F(AgentInferenceTest, AnAgentWithoutARuleNeitherAppliesNorHidesAnother) {
  HaveRulesFor({"python-specialist"});
  EXPECT_EQ(Infer({"A code review of Python"}), "python-specialist");
  EXPECT_EQ(Infer({"A code review"}), "-");
  HaveRulesFor({});
  EXPECT_EQ(Infer({"A code review of Python"}), "-");
}

TEST_F(AgentInferenceTest, TheUserIsReadWhereTheSystemTextsSayNothing) {
  EXPECT_EQ(Infer({"You write Python."}, {"a code review"}),
            "python-specialist");
  EXPECT_EQ(Infer({"Be kind."}, {"a code review"}), "code-reviewer");
  EXPECT_EQ(Infer({}, {"a code review"}), "code-reviewer");
}

TEST_F(AgentInferenceTest, TheFirstTextOfTheUserThatSaysSomethingDecides) {
  EXPECT_EQ(Infer({}, {"Hello.", "Some Python.", "A code review."}),
            "python-specialist");
}

TEST_F(AgentInferenceTest, ReadsNoFurtherThanItsLimit) {
  const std::string_view phrase = "python";
  std::string text(AgentInference::kTextBytesMax - phrase.size(), '.');
  text += phrase;
  EXPECT_EQ(Infer({text}), "python-specialist");
  EXPECT_EQ(Infer({}, {text}), "python-specialist");
  // One byte later its last letter is not read.
  EXPECT_EQ(Infer({"." + text}), "-");
  EXPECT_EQ(Infer({}, {"." + text}), "-");
  // The limit is that of all texts together.
  EXPECT_EQ(Infer({".", text}), "-");
  EXPECT_EQ(Infer({}, {".", text}), "-");
  // But the user has one of his own.
  EXPECT_EQ(Infer({"." + text}, {text}), "python-specialist");
}

TEST_F(AgentInferenceTest, NamesAreToldInLowerCase) {
  const std::vector<AgentPhrases> agents = {{"Poet", {"A Poem"}}};
  const AgentInference inference(
      agents, [](std::string_view agent) { return agent == "poet"; });
  EXPECT_EQ(inference.Infer({"write a poem"}, {}), "poet");
}

TEST_F(AgentInferenceTest, APhraseIsNotFoundAcrossTexts) {
  EXPECT_EQ(Infer({"code re", "view"}), "-");
  EXPECT_EQ(Infer({}, {"code re", "view"}), "-");
}

}  // namespace
}  // namespace gateway
