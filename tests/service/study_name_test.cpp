#include "service/study_name.hpp"

#include <gmock/gmock.h>

#include "service/error_status.hpp"

namespace hwnas::service {
namespace {

TEST(StudyName, IsReadAndWrittenAsResourcesAreNamed) {
  EXPECT_EQ(parse_owner("parent", "owners/acme"), "acme");
  const std::string study = "owners/acme/studies/My study, Grüße";
  EXPECT_EQ(parse_study("name", study).text(), study);
  EXPECT_EQ(parse_trial("name", study + "/trials/12").text(), study + "/trials/12");
  EXPECT_EQ(parse_trial("name", study + "/trials/12").id, 12);
  const std::string operation = "owners/acme/operations/suggestion/My study/worker 1/3";
  EXPECT_EQ(parse_operation("name", operation).text(), operation);
  EXPECT_EQ(parse_operation("name", operation).client, "worker 1");
}

TEST(StudyName, IsRefusedInEveryOtherForm) {
  for (const char* name : {"", "acme", "owners/", "owners/Acme", "owners/acme/", "owners/../etc"}) {
    EXPECT_THROW(parse_owner("parent", name), InvalidField) << name;
  }
  for (const char* name :
       {"owners/acme", "owners/acme/studies/", "owners/acme/studies/a/b", "owners/acme/study/a",
        "owners/acme/studies/a\nb", "tenants/acme/studies/a", "owners/acme/studies/\xff"}) {
    EXPECT_THROW(parse_study("name", name), InvalidField) << name;
  }
  EXPECT_THROW(parse_study("name", "owners/acme/studies/" + std::string(129, 'a')), InvalidField);
  const std::string trial = "owners/acme/studies/a/trials/";
  for (const char* id : {"", "0", "-1", "+1", "01", "1x", "1.0", "99999999999999999999"}) {
    EXPECT_THROW(parse_trial("name", trial + id), InvalidField) << id;
    EXPECT_THROW(parse_trial_id("trial_id", id), InvalidField) << id;
  }
  for (const char* name :
       {"owners/acme/operations/suggestion/a/b", "owners/acme/operations/a/b/c/1",
        "owners/acme/operations/suggestion/a/b/0"}) {
    EXPECT_THROW(parse_operation("name", name), InvalidField) << name;
  }
}

}  // namespace
}  // namespace hwnas::service
