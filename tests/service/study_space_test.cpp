#include "service/study_space.hpp"

#include <gmock/gmock.h>

#include <set>

#include "service/error_status.hpp"
#include "tests/service/sample_studies.hpp"

namespace hwnas::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Spec = vizier::StudySpec::ParameterSpec;

StudyValues values_of(const std::string& spec) {
  return StudyValues(message_of<Spec>(spec), "p");
}

std::set<double> all_numbers(const StudyValues& values) {
  std::set<double> numbers;
  for (std::uint64_t code = 0; code < values.codes(); ++code) numbers.insert(values.number(code));
  return numbers;
}

TEST(StudyValues, ADoubleHas4096EvenlySpacedOnesWithItsBounds) {
  const StudyValues values = values_of("double_value_spec { min_value: -2 max_value: 6 }");
  EXPECT_THAT(values.digits(), ElementsAre(16, 16, 16));
  EXPECT_EQ(values.number(0), -2);
  EXPECT_EQ(values.number(4095), 6);
  EXPECT_NEAR(values.number(1) - values.number(0), 8.0 / 4095, 1e-12);
  EXPECT_EQ(all_numbers(values).size(), 4096u);
}

TEST(StudyValues, ALogarithmicScaleIsFineAtItsLowerEndAndAReverseOneAtItsUpper) {
  const std::string range = "double_value_spec { min_value: 0.001 max_value: 10 } scale_type: ";
  const StudyValues log = values_of(range + "UNIT_LOG_SCALE");
  const StudyValues reverse = values_of(range + "UNIT_REVERSE_LOG_SCALE");
  EXPECT_NEAR(log.number(2048), 0.1, 1e-3);
  EXPECT_NEAR(log.number(2) / log.number(1), log.number(4000) / log.number(3999), 1e-9);
  EXPECT_NEAR(reverse.number(2047), 10.001 - 0.1, 1e-3);
  EXPECT_EQ(reverse.number(0), 0.001);
  EXPECT_EQ(reverse.number(4095), 10);
}

TEST(StudyValues, AnIntegerHasEachOfItsValuesUpToAMillion) {
  for (const int count : {1, 2, 32, 33, 100, 257, 4097, 100'000}) {
    const StudyValues values = values_of(
        "integer_value_spec { min_value: 5 max_value: " + std::to_string(4 + count) + " }");
    const std::set<double> numbers = all_numbers(values);
    EXPECT_EQ(numbers.size(), std::size_t(count));
    EXPECT_EQ(*numbers.begin(), 5);
    EXPECT_EQ(*numbers.rbegin(), 4 + count);
    EXPECT_LE(values.codes(), std::uint64_t(2 * count));
  }
}

TEST(StudyValues, AHugeRangeOfIntegersHasAMillionEvenlySpaced) {
  const StudyValues values =
      values_of("integer_value_spec { min_value: 0 max_value: 9007199254740992 }");
  EXPECT_EQ(values.codes(), 1u << 20);
  EXPECT_EQ(values.number(0), 0);
  EXPECT_EQ(values.number(values.codes() - 1), 9007199254740992.0);
  EXPECT_EQ(values.number(12345), std::round(values.number(12345)));
}

TEST(StudyValues, IntegersOnALogarithmicScaleAreDenseWhereTheyAreSmall) {
  const StudyValues values =
      values_of("integer_value_spec { min_value: 1 max_value: 10000 } scale_type: UNIT_LOG_SCALE");
  const std::set<double> numbers = all_numbers(values);
  for (int n = 1; n <= 100; ++n) EXPECT_TRUE(numbers.contains(n)) << n;
  EXPECT_TRUE(numbers.contains(10000));
}

TEST(StudyValues, ACodeStandsForTheNearestValueAndTheLeastOfEqualOnes) {
  for (const char* spec :
       {"double_value_spec { min_value: 1 max_value: 3 }",
        "double_value_spec { min_value: 1e-5 max_value: 3 } scale_type: UNIT_LOG_SCALE",
        "integer_value_spec { min_value: -7 max_value: 300 }",
        "integer_value_spec { min_value: 1 max_value: 500 } scale_type: UNIT_LOG_SCALE",
        "discrete_value_spec { values: [8, 1, 2.5, 2.5] }"}) {
    const StudyValues values = values_of(spec);
    for (std::uint64_t code = 0; code < values.codes(); code += 1 + values.codes() / 97) {
      const std::uint64_t first = values.first_of(code);
      EXPECT_EQ(values.number(first), values.number(code)) << spec;
      EXPECT_TRUE(first == 0 || values.number(first - 1) < values.number(first)) << spec;
      EXPECT_EQ(values.code_of(values.number(code)), first) << spec << " " << code;
    }
  }
  const StudyValues values = values_of("discrete_value_spec { values: [8, 1, 2.5] }");
  EXPECT_EQ(values.code_of(3.0), 1u);
  EXPECT_EQ(values.code_of(8.5), std::nullopt);
  EXPECT_EQ(values.code_of(std::nan("")), std::nullopt);
}

TEST(StudyValues, RefusesWhatIsNoRange) {
  for (const char* spec : {"", "double_value_spec { min_value: 1 max_value: 0 }",
                           "double_value_spec { min_value: nan max_value: 0 }",
                           "double_value_spec { min_value: 0 max_value: 1 } "
                           "scale_type: UNIT_LOG_SCALE",
                           "integer_value_spec { min_value: 2 max_value: 1 }",
                           "integer_value_spec { min_value: 0 max_value: 9223372036854775807 }",
                           "discrete_value_spec { }", "categorical_value_spec { }",
                           "categorical_value_spec { values: ['a', 'a'] }"}) {
    EXPECT_THROW(values_of(spec), InvalidField) << spec;
  }
}

/// An optimiser with parameters of its own kinds.
const char* const kConditional = R"(
  parameters {
    parameter_id: "optimizer" categorical_value_spec { values: ["sgd", "adam", "none"] }
    conditional_parameter_specs {
      parent_categorical_values { values: "sgd" }
      parameter_spec {
        parameter_id: "rate"
        double_value_spec { min_value: 0.01 max_value: 1 } scale_type: UNIT_LOG_SCALE
      }
    }
    conditional_parameter_specs {
      parent_categorical_values { values: "adam" }
      parameter_spec {
        parameter_id: "rate" integer_value_spec { min_value: 1 max_value: 40 }
        conditional_parameter_specs {
          parent_int_values { values: [1, 2] }
          parameter_spec { parameter_id: "deep" discrete_value_spec { values: [0.5, 0.25] } }
        }
      }
    }
  }
  parameters { parameter_id: "width" integer_value_spec { min_value: 1 max_value: 1000 } })";

vizier::StudySpec conditional_spec() {
  return message_of<vizier::StudySpec>(kConditional);
}

TEST(StudySpace, GivesConditionalParametersOnlyWhereTheyAreActive) {
  const StudySpace space(conditional_spec());
  Rng rng(1);
  std::set<std::vector<std::string>> combinations;
  for (int i = 0; i < 500; ++i) {
    std::vector<std::string> ids;
    for (const auto& p : space.parameters(spaces::sample(space, rng))) {
      ids.push_back(p.parameter_id());
    }
    combinations.insert(ids);
  }
  EXPECT_THAT(combinations, ElementsAre(ElementsAre("optimizer", "rate", "deep", "width"),
                                        ElementsAre("optimizer", "rate", "width"),
                                        ElementsAre("optimizer", "width")));
}

TEST(StudySpace, HasOneCanonicalGenotypeForEqualParameters) {
  const StudySpace space(conditional_spec());
  Rng rng(2);
  for (int i = 0; i < 500; ++i) {
    const spaces::Genotype genotype = spaces::sample(space, rng);
    const spaces::Genotype canonical = space.canonical(genotype);
    const StudySpace::Parameters parameters = space.parameters(genotype);
    EXPECT_LE(canonical, genotype);
    EXPECT_EQ(space.canonical(canonical), canonical);
    EXPECT_EQ(space.genotype(parameters), canonical);
    const StudySpace::Parameters again = space.parameters(canonical);
    ASSERT_EQ(again.size(), parameters.size());
    for (int p = 0; p < again.size(); ++p) {
      EXPECT_EQ(again[p].SerializeAsString(), parameters[p].SerializeAsString());
    }
  }
}

TEST(StudySpace, HasNoGenotypeForParametersFromOutside) {
  const StudySpace space(plane_study().study_spec());
  const auto of = [&](const std::string& trial) {
    return space.genotype(message_of<vizier::Trial>(trial).parameters());
  };
  const std::string x = "parameters { parameter_id: 'x' value { number_value: 0.5 } }";
  EXPECT_TRUE(of(x + "parameters { parameter_id: 'y' value { number_value: 1 } }"));
  EXPECT_FALSE(of(x));
  EXPECT_FALSE(of(x + "parameters { parameter_id: 'y' value { number_value: 1.5 } }"));
  EXPECT_FALSE(of(x + "parameters { parameter_id: 'y' value { string_value: '1' } }"));
}

std::string refusal_of(const std::string& spec) {
  try {
    const StudySpace space(message_of<vizier::StudySpec>(spec));
    return "";
  } catch (const InvalidField& failure) {
    return failure.what();
  }
}

TEST(StudySpace, RefusesTwoParametersOfOneIdThatCanBeActiveTogether) {
  const std::string a = "parameters { parameter_id: 'a' double_value_spec { max_value: 1 } }";
  EXPECT_EQ(refusal_of(a), "");
  EXPECT_THAT(refusal_of(a + a), HasSubstr("'a': two parameters of this id"));
  const auto parent_of = [](const char* first, const char* second) {
    return std::string(
               "parameters { parameter_id: 'p' categorical_value_spec { values: ['u', 'v'] }") +
           "conditional_parameter_specs { parent_categorical_values { values: '" + first +
           "' } parameter_spec { parameter_id: 'a' double_value_spec { max_value: 1 } } }" +
           "conditional_parameter_specs { parent_categorical_values { values: '" + second +
           "' } parameter_spec { parameter_id: 'a' double_value_spec { max_value: 1 } } } }";
  };
  EXPECT_EQ(refusal_of(parent_of("u", "v")), "");
  EXPECT_THAT(refusal_of(parent_of("u", "u")), HasSubstr("rename one"));
  EXPECT_THAT(refusal_of(parent_of("u", "w")), HasSubstr("w is no value of the parent"));
  EXPECT_THAT(refusal_of(parent_of("u", "v") + a), HasSubstr("rename one"));
}

TEST(StudySpace, RefusesMoreChoicesAndConditionsThanItCanHold) {
  std::string choices;
  for (int p = 0; p < 20; ++p) {
    choices += "parameters { parameter_id: 'p" + std::to_string(p) + "' categorical_value_spec {";
    for (int v = 0; v < 3000; ++v) choices += " values: '" + std::to_string(v) + "'";
    choices += " } }";
  }
  EXPECT_THAT(refusal_of(choices), HasSubstr("too many values of categories"));
  std::string condition = "conditional_parameter_specs { parent_int_values {";
  for (int v = 0; v < 10'001; ++v) condition += " values: 1";
  condition += " } parameter_spec { parameter_id: 'c' double_value_spec { max_value: 1 } } }";
  EXPECT_THAT(refusal_of("parameters { parameter_id: 'p' integer_value_spec { max_value: 1 } " +
                         condition + " }"),
              HasSubstr("too many values of parents"));
}

TEST(StudySpace, RefusesMoreThanAThousandParametersAndNestingBeyondSixteen) {
  std::string many;
  for (int i = 0; i <= 1000; ++i) {
    many += "parameters { parameter_id: 'p" + std::to_string(i) +
            "' double_value_spec { max_value: 1 } }";
  }
  EXPECT_THAT(refusal_of(many), HasSubstr("at most 1000 parameters"));
  std::string deep = "parameter_id: 'p0' integer_value_spec { max_value: 1 }";
  for (int i = 1; i <= 16; ++i) {
    deep = "parameter_id: 'p" + std::to_string(i) +
           "' integer_value_spec { max_value: 1 } conditional_parameter_specs { parent_int_values "
           "{ values: 1 } parameter_spec { " +
           deep + " } }";
  }
  EXPECT_THAT(refusal_of("parameters { " + deep + " }"), HasSubstr("nested at most 16 deep"));
  EXPECT_THAT(refusal_of(""), HasSubstr("give at least one"));
}

}  // namespace
}  // namespace hwnas::service
