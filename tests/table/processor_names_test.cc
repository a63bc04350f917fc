#include "table/processor_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace tollgate::table {
namespace {

TEST(ProcessorNames, AFileThatNamesAProcessorAsNoneCanBeCalledIsRefusedAndSaysSo) {
  const std::string bad[] = {"a\nb", "\x1b[2J", "a\"b", "a\\b", "\xff", std::string(32, 'x')};
  for (const std::string& name : bad) {
    TableHeader header;
    std::copy(name.begin(), name.end(), header.names[0].begin());
    payments::ProcessorDirectory directory({"default"});
    ProcessorNames names(directory);
    const base::Status status = names.Load(header);
    ASSERT_FALSE(status.ok()) << name;
    EXPECT_NE(status.error().message.find("damaged"), std::string::npos) << status.error().message;
    EXPECT_EQ(status.error().message.find('\n'), std::string::npos) << status.error().message;
    EXPECT_EQ(directory.size(), 1U);
  }
}

}  // namespace
}  // namespace tollgate::table
